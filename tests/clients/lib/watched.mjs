// SPDX-License-Identifier: Apache-2.0
// Sessions played side by side in one browser.

/**
 * Plays each of `rows` ({player, url, atLeast: pictures}) to its end, all at once. A browser to which a busy machine gives too little time
 * skips pictures and says nothing: whoever showed too few without a complaint plays once more, alone, and that is his result.
 */
export async function watchAll(browser, rows) {
  const pages = await Promise.all(rows.map(() => browser.open()));
  const results = await Promise.all(pages.map((page, index) => page.call('watch', rows[index])));
  for (const [index, {errors, ended, frames}] of results.entries()) {
    if (errors.length === 0 && ended && frames < rows[index].atLeast) results[index] = {...await browser.call('watch', rows[index]), framesAtFirst: frames};
  }
  return results;
}
