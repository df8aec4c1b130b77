import assert from "node:assert/strict";
import { test } from "node:test";

import { fragmentOf, recipeIn } from "../../src/phraseloom/studio/page/share.js";

test("a recipe travels in the fragment, in any script", () => {
  const recipe = { plan: { form: "A8 B8", title: "Früh · 早" }, seed: 4711, weights: "abc" };
  assert.match(fragmentOf(recipe), /^#song=[A-Za-z0-9_-]+$/);
  assert.deepEqual(recipeIn(fragmentOf(recipe)), recipe);
});

test("a fragment that is no recipe is none", () => {
  for (const text of ["", "#", "#song=", "#song=@@", "#song=e30", "#other=e30"]) assert.equal(recipeIn(text), null, text);
});
