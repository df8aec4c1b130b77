/**
 * A song as a URL fragment: plan, seed and the weights' hash. It says how to weave the song again, and is read by the
 * page alone; no server sees it.
 */

const PREFIX = "#song=";

/** The fragment of a recipe, `{plan, seed, weights}`. */
export function fragmentOf({ plan, seed, weights }) {
  const bytes = new TextEncoder().encode(JSON.stringify({ plan, seed, weights }));
  const base64 = btoa(String.fromCharCode(...bytes));
  return PREFIX + base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** The recipe in a fragment; null where there is none, or none that can be read. */
export function recipeIn(fragment) {
  if (!fragment.startsWith(PREFIX)) return null;
  try {
    const base64 = fragment.slice(PREFIX.length).replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const { plan, seed, weights } = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const isRecipe = plan !== null && typeof plan === "object" && Number.isInteger(seed);
    return isRecipe ? { plan, seed, weights: typeof weights === "string" ? weights : null } : null;
  } catch {
    return null;
  }
}
