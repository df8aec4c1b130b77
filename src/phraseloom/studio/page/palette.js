/**
 * Colours of tracks and sections: those of the pictures that `phraseloom render` draws, so that a song looks the same
 * everywhere. A letter has one colour; letters without vocals (small ones) have greys.
 */

const TRACK_COLOURS = [
  [214, 69, 65],
  [222, 143, 5],
  [36, 113, 163],
  [39, 145, 94],
  [125, 60, 152],
  [17, 140, 148],
  [190, 62, 130],
  [112, 100, 60],
];
const VOCAL_COLOURS = [
  [92, 134, 201],
  [233, 133, 106],
  [104, 176, 132],
  [168, 127, 196],
  [222, 178, 75],
  [92, 180, 190],
  [214, 120, 160],
];
const INSTRUMENTAL_COLOURS = [
  [128, 134, 146],
  [150, 140, 126],
  [104, 116, 128],
  [146, 138, 150],
];
const WHITE = [255, 255, 255];
const DARK_INK = [20, 22, 28];
const LIFT_ON_DARK = 0.28;
const LEAST_CONTRAST = 4.5; // WCAG 2.2, level AA

/** A track's colour as `[red, green, blue]`; lifted where the page is dark, so that notes keep their contrast. */
export function trackColour(index, { dark = false } = {}) {
  const colour = TRACK_COLOURS[index % TRACK_COLOURS.length];
  return dark ? mixed(WHITE, colour, LIFT_ON_DARK) : colour;
}

/** `{letter: [red, green, blue]}` for the letters of a form, in the order in which they appear. */
export function sectionColours(sections) {
  const letters = [...new Set(sections.map((section) => section.letter))];
  const isVocal = (letter) => letter === letter.toUpperCase();
  const groups = [
    [letters.filter(isVocal), VOCAL_COLOURS],
    [letters.filter((letter) => !isVocal(letter)), INSTRUMENTAL_COLOURS],
  ];
  return Object.fromEntries(
    groups.flatMap(([group, palette]) => group.map((letter, index) => [letter, palette[index % palette.length]])),
  );
}

/** `share` of one colour, the rest of another. */
export function mixed(colour, other, share) {
  return colour.map((value, index) => Math.round(share * value + (1 - share) * other[index]));
}

/** The colour of text on a colour: dark or white, whichever is told apart better. */
export function inkOn(colour) {
  return contrast(DARK_INK, colour) >= contrast(WHITE, colour) ? DARK_INK : WHITE;
}

/** A colour for text on `paper`: itself, or so much nearer to the ink that it can be read. */
export function readable(colour, paper) {
  const ink = inkOn(paper);
  const shares = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1];
  return shares.map((share) => mixed(ink, colour, share)).find((text) => contrast(text, paper) >= LEAST_CONTRAST);
}

/** How well two colours are told apart, 1 to 21: the contrast ratio of WCAG 2. */
export function contrast(one, other) {
  const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

/** CSS text of a colour. */
export function css([red, green, blue], opacity = 1) {
  return `rgb(${red} ${green} ${blue} / ${opacity})`;
}

/** Relative luminance as WCAG 2 defines it. */
function luminance(colour) {
  const [red, green, blue] = colour.map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
