/**
 * Chord symbols as on a lead sheet: `Am7/G`, `C-`, `C^`, `Co7`, `G7(b9)`, `N.C.`.
 *
 * The grammar is that of `phraseloom.harmony`, so that what the page underlines is what the service would refuse.
 * A chord is `{root, intervals, bass}`: pitch classes 0 (C) to 11 (B), and sorted semitones above the root; no chord has
 * `root` and `bass` null and no intervals.
 */

const NATURALS = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 };
const SCALE = [0, 2, 4, 5, 7, 9, 11];
const MINOR_SEVENTH = 10;
const MAJOR_SEVENTH = 11;

const NO_CHORD = /^(?:N|N\.?C\.?)$/i;
const NOTE = /([A-Ga-g])(b+|#+)?/y;
const MAJOR_WORD = "(?:major|Major|maj|Maj|MAJ|ma(?!d)|Ma(?!d)|M)";
const BASE = new RegExp(
  "\\s*(?:(?<power>5)|(?:" +
    `(?<major>${MAJOR_WORD})|(?<majorSeventh>[\\^Δ△])|(?<minor>minor|Minor|min|Min|MIN|mi|m|-)|` +
    "(?<halfDiminished>hdim|ø|Ø)|(?<diminished>dim|Dim|o(?!mit)|°|º)|(?<augmented>aug|Aug|\\+)|(?<dominant>dom)" +
    ")?\\s*(?<extension>2|6/9|69|6|7|9|11|13)?)(?!\\d)",
  "y",
);
const TRIADS = {
  dominant: [0, 4, 7],
  major: [0, 4, 7],
  power: [0, 7],
  majorSeventh: [0, 4, 7, 11],
  minor: [0, 3, 7],
  halfDiminished: [0, 3, 6, 10],
  diminished: [0, 3, 6],
  augmented: [0, 4, 8],
};
const SEVENTHS = { major: MAJOR_SEVENTH, majorSeventh: MAJOR_SEVENTH, diminished: 9 };
const WITHOUT_SEVENTH = { 2: [2], 6: [9], 69: [2, 9], "6/9": [2, 9] };
const OVER_SEVENTH = { 7: [], 9: [2], 11: [2, 5], 13: [2, 9] };

const semitones = (accidentals, degree) => (((SCALE[(degree - 1) % 7] + alteration(accidentals)) % 12) + 12) % 12;

/** What may follow the triad, and what it does to the sounding tones (a set) with those that an alteration replaces. */
const MODIFIERS = [
  ["sus\\s*([24])?", (tones, [, degree]) => replace(tones, [3, 4], degree === "2" ? 2 : 5)],
  [`${MAJOR_WORD}\\s*(7|9|11|13)`, makeSeventhMajor],
  ["[\\^Δ△](7|9|11|13)?", makeSeventhMajor],
  [`add\\s*${MAJOR_WORD}7`, (tones) => tones.add(MAJOR_SEVENTH)],
  ["(?:add\\s*)?b7", (tones) => tones.add(MINOR_SEVENTH)],
  ["add\\s*([b#])?([2-6]|9|11|13)", (tones, [, accidentals, degree]) => tones.add(semitones(accidentals, degree))],
  ["(?:no|omit)\\s*([35])(?:rd|th)?", (tones, [, degree]) => replace(tones, degree === "3" ? [3, 4] : [6, 7, 8])],
  ["([b#+-])([2456]|9|11|13)", alter],
  ["\\+|aug", (tones) => replace(tones, [7], 8)],
  ["alt", (tones) => replace(tones, [...tones], 0, 1, 3, 4, 6, 8, 10)],
].map(([pattern, apply]) => [new RegExp(`(?:${pattern})(?!\\d)`, "y"), apply]);
const BARE_DEGREE = /()([246]|9|11|13)(?!\d)/y;
const SEPARATOR = /[\s,]+/y;
const SLASH = /\s*\/\s*/y;

/**
 * Reads one chord symbol.
 *
 * @param {string} text - such as `Am7/G`; `am` is forgiven, `M7` and `m7` differ.
 * @returns {{root: ?number, intervals: number[], bass: ?number} | null} null where it is no chord.
 */
export function parseChord(text) {
  const plain = text.trim().replaceAll("♭", "b").replaceAll("♯", "#");
  if (NO_CHORD.test(plain)) return { root: null, intervals: [], bass: null };
  const reader = new Reader(plain);
  const note = reader.take(NOTE);
  const tones = note && readQuality(reader);
  if (!tones) return null;
  const root = pitchClass(note);
  const bass = reader.take(SLASH) ? reader.take(NOTE) : note;
  if (!bass || !reader.atEnd) return null;
  return { root, intervals: [...tones].sort((a, b) => a - b), bass: pitchClass(bass) };
}

class Reader {
  constructor(text) {
    this.text = text;
    this.position = 0;
  }

  get atEnd() {
    return this.position >= this.text.length;
  }

  take(pattern) {
    pattern.lastIndex = this.position;
    const match = pattern.exec(this.text);
    if (match) this.position = pattern.lastIndex;
    return match;
  }

  takeText(text) {
    const found = this.text.startsWith(text, this.position);
    if (found) this.position += text.length;
    return found;
  }
}

/** The sounding intervals up to the slash or the end; null where something in between means nothing. */
function readQuality(reader) {
  const base = reader.take(BASE);
  if (!base) return null;
  const { tones, replaceable } = baseTones(base.groups);
  let inParentheses = false;
  while (!reader.atEnd && reader.text[reader.position] !== "/") {
    if (reader.take(SEPARATOR)) continue;
    if (reader.takeText(inParentheses ? ")" : "(")) {
      inParentheses = !inParentheses;
      continue;
    }
    const degree = inParentheses && reader.take(BARE_DEGREE);
    if (degree) tones.add(semitones("", degree[2]));
    else if (!readModifier(reader, tones, replaceable)) return null;
  }
  return inParentheses ? null : tones;
}

function baseTones(groups) {
  const quality = Object.keys(TRIADS).find((name) => groups[name]) ?? "dominant";
  const { extension } = groups;
  const tones = new Set([...TRIADS[quality], ...(WITHOUT_SEVENTH[extension] ?? [])]);
  const over = OVER_SEVENTH[extension];
  if (!over) return { tones, replaceable: new Set([7]) };
  const upper = extension === "13" && tones.has(3) ? [...over, 5] : over;
  for (const tone of [SEVENTHS[quality] ?? MINOR_SEVENTH, ...upper]) tones.add(tone);
  return { tones, replaceable: new Set([7, ...upper]) };
}

function readModifier(reader, tones, replaceable) {
  for (const [pattern, apply] of MODIFIERS) {
    const match = reader.take(pattern);
    if (match) {
      apply(tones, match, replaceable);
      return true;
    }
  }
  return false;
}

function replace(tones, removed, ...added) {
  for (const tone of removed) tones.delete(tone);
  for (const tone of added) tones.add(tone);
}

function makeSeventhMajor(tones, [, extension]) {
  replace(tones, [MINOR_SEVENTH], MAJOR_SEVENTH, ...OVER_SEVENTH[extension ?? "7"]);
}

function alter(tones, [, accidental, degree], replaceable) {
  const natural = semitones("", degree);
  if (replaceable.has(natural)) tones.delete(natural);
  tones.add(semitones(accidental, degree));
}

function alteration(accidentals) {
  if (!accidentals) return 0;
  return accidentals.length * ("b-".includes(accidentals[0]) ? -1 : 1);
}

function pitchClass([, letter, accidentals]) {
  return (((NATURALS[letter.toUpperCase()] + alteration(accidentals)) % 12) + 12) % 12;
}
