// SPDX-License-Identifier: Apache-2.0
// Reporter of `node --test`: people read one line a test, tools/run_tests.py reads the lines it appends to $TEST_REPORT.
import {appendFileSync} from 'node:fs';

const describe = (error) => {
  const cause = error?.cause ?? error;
  return cause?.stack ?? String(cause?.message ?? cause ?? 'failed');
};

export default async function* countReporter(events) {
  for await (const event of events) {
    if (event.type === 'test:stdout' || event.type === 'test:stderr') yield event.data.message;
    if (event.type === 'test:diagnostic' && event.data.nesting > 0) yield `      ${event.data.message}\n`;
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    if (event.data.details?.type === 'suite' && event.type === 'test:pass') continue;
    // A failing suite is only worth a line when the fault is its own (a hook), not that of a test inside it.
    if (event.data.details?.error?.failureType === 'subtestsFailed') continue;
    // The file itself shows up as a test when it cannot be loaded or ends early; when it passes it is no proof.
    if (event.data.name.endsWith('_test.mjs') && event.type === 'test:pass') continue;
    const ok = event.type === 'test:pass';
    const skipped = event.data.skip !== undefined || event.data.todo !== undefined;
    const error = ok ? undefined : describe(event.data.details?.error);
    const seconds = ((event.data.details?.duration_ms ?? 0) / 1000).toFixed(1);
    yield `${ok ? (skipped ? 'SKIP' : 'ok  ') : 'FAIL'} ${event.data.name} (${seconds} s)\n${error ? `     ${error}\n` : ''}`;
    if (process.env.TEST_REPORT) {
      appendFileSync(process.env.TEST_REPORT, `${JSON.stringify({name: event.data.name, ok, skipped, error})}\n`);
    }
  }
}
