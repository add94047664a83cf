// SPDX-License-Identifier: Apache-2.0
// The rules of RFC 8216 and draft-pantos-hls-rfc8216bis that can be checked on the text of media playlists: of one, and of
// one after another. Nothing of this is the server's code. pieces_test.mjs proves that it finds faults.

const attributes = (text) => Object.fromEntries([...text.matchAll(/([A-Z0-9-]+)=("[^"]*"|[^,]*)/g)].map(([, name, value]) => [name, value.replace(/^"|"$/g, '')]));

/** Segments carry their media sequence number and, as `era`, their discontinuity sequence number. */
export function readPlaylist(text) {
  const list = {text, version: 1, sequence: 0, eras: 0, segments: [], parts: [], reports: [], skipped: 0, faults: [], once: {}};
  const fault = (what) => list.faults.push(what);
  const lines = text.split('\n');
  if (lines[0] !== '#EXTM3U') fault('the first line is not #EXTM3U');
  if (lines.at(-1) !== '') fault('the last line is not ended');
  let next = {parts: []}, map, era = 0;
  for (const line of lines.slice(1)) {
    const [, tag, value] = line.match(/^#(EXT[A-Z0-9-]*):?(.*)$/) ?? [];
    const number = Number(value);
    if (/^EXT-X-(VERSION|TARGETDURATION|MEDIA-SEQUENCE|DISCONTINUITY-SEQUENCE|SERVER-CONTROL|PART-INF|PLAYLIST-TYPE|SKIP|INDEPENDENT-SEGMENTS)$/.test(tag ?? '')) {
      if (list.once[tag]) fault(`${tag} appears twice`);
      list.once[tag] = true;
      if (list.segments.length || next.parts.length) fault(`${tag} after the first segment`);
    }
    if (tag === 'EXT-X-VERSION') list.version = number;
    else if (tag === 'EXT-X-TARGETDURATION') list.target = number;
    else if (tag === 'EXT-X-MEDIA-SEQUENCE') list.sequence = number;
    else if (tag === 'EXT-X-DISCONTINUITY-SEQUENCE') era = list.eras = number;
    else if (tag === 'EXT-X-SERVER-CONTROL') list.control = attributes(value);
    else if (tag === 'EXT-X-PART-INF') list.partTarget = Number(attributes(value)['PART-TARGET']);
    else if (tag === 'EXT-X-SKIP') list.skipped = Number(attributes(value)['SKIPPED-SEGMENTS']);
    else if (tag === 'EXT-X-INDEPENDENT-SEGMENTS') list.independent = true;
    else if (tag === 'EXT-X-MAP') map = attributes(value).URI;
    else if (tag === 'EXT-X-DISCONTINUITY') era += 1;
    else if (tag === 'EXT-X-GAP') next.gap = true;
    else if (tag === 'EXT-X-PROGRAM-DATE-TIME') next.date = Date.parse(value);
    else if (tag === 'EXT-X-PART') {
      const part = attributes(value);
      next.parts.push({uri: part.URI, duration: Number(part.DURATION), independent: part.INDEPENDENT === 'YES', map, era});
    } else if (tag === 'EXT-X-PRELOAD-HINT') {
      if (list.hint) fault('two preload hints for parts');
      list.hint = attributes(value).URI;
    } else if (tag === 'EXT-X-RENDITION-REPORT') list.reports.push(attributes(value));
    else if (tag === 'EXT-X-ENDLIST') list.ended = true;
    else if (tag === 'EXTINF') {
      if (!/^\d+(\.\d+)?,/.test(value)) fault(`EXTINF:${value}`);
      next.duration = parseFloat(value);
    } else if (line !== '' && !line.startsWith('#')) {
      if (next.duration === undefined) fault(`no EXTINF before ${line}`);
      list.segments.push({...next, uri: line, map, era, msn: list.sequence + list.skipped + list.segments.length});
      next = {parts: []};
    }
  }
  list.parts = next.parts;
  list.lastMsn = list.sequence + list.skipped + list.segments.length - 1;
  return list;
}

/** What one playlist breaks. */
export function checkPlaylist(list) {
  const faults = [...list.faults];
  const must = (holds, what) => { if (!holds) faults.push(what); };
  const lasts = list.segments.map((segment) => segment.duration);
  must(list.target > 0, 'no EXT-X-TARGETDURATION');
  for (const segment of list.segments) {
    must(Math.round(segment.duration) <= list.target, `segment ${segment.msn} lasts ${segment.duration} s, the target is ${list.target}`);
    must(segment.map, `segment ${segment.msn} has no EXT-X-MAP`);
  }
  const has = list.segments.some((segment) => segment.parts.length) || list.parts.length > 0;
  must(list.version >= 6, `EXT-X-MAP needs version 6, not ${list.version}`);
  must(!list.skipped || list.version >= 9, `EXT-X-SKIP needs version 9, not ${list.version}`);
  must(!has || list.partTarget > 0, 'EXT-X-PART without EXT-X-PART-INF');
  if (list.partTarget) {
    const hold = Number(list.control?.['PART-HOLD-BACK']);
    must(hold >= 3 * list.partTarget - 1e-6, `PART-HOLD-BACK ${hold} of parts of ${list.partTarget}`);
    must(list.control?.['CAN-BLOCK-RELOAD'] === 'YES', 'parts without blocking reload');
  }
  if (list.control?.['CAN-SKIP-UNTIL']) must(Number(list.control['CAN-SKIP-UNTIL']) >= 6 * list.target, 'CAN-SKIP-UNTIL below six targets');
  if (list.skipped) {
    const rest = [...lasts, ...list.parts.map((part) => part.duration)].reduce((all, each) => all + each, 0);
    must(rest >= Number(list.control?.['CAN-SKIP-UNTIL']), `a delta update leaves out what is ${rest} s from the end`);
  }
  if (list.control?.['HOLD-BACK']) must(Number(list.control['HOLD-BACK']) >= 3 * list.target, 'HOLD-BACK below three targets');
  const parents = [...list.segments, {msn: list.lastMsn + 1, parts: list.parts, open: true}];
  parents.forEach(({msn, parts, duration, open}, place) => {
    parts.forEach((part, i) => {
      must(part.duration <= list.partTarget + 1e-6, `part ${i} of ${msn} lasts ${part.duration} s, the target is ${list.partTarget}`);
      const isLast = i === parts.length - 1;
      must(isLast || part.duration >= 0.85 * list.partTarget - 1e-6, `part ${i} of ${msn} lasts ${part.duration} s, less than 85 % of ${list.partTarget}`);
    });
    if (parts.length && !open) {
      const sum = parts.reduce((all, part) => all + part.duration, 0);
      must(Math.abs(sum - duration) < 0.001, `the parts of ${msn} last ${sum} s, the segment ${duration} s`);
      const toEnd = lasts.slice(place + 1).reduce((all, each) => all + each, 0);
      must(toEnd <= 3 * list.target + 1e-6, `parts of ${msn}, ${toEnd} s from the end`);
    }
    if (parts.length && list.independent) must(parts[0].independent, `part 0 of ${msn} is not independent`);
  });
  return faults;
}

/** The full playlist that a delta update stands for. */
export function applyDelta(before, delta) {
  if (!delta.skipped) return delta;
  const kept = before.segments.filter((segment) => segment.msn >= delta.sequence && segment.msn < delta.sequence + delta.skipped);
  if (kept.length !== delta.skipped) throw new Error(`a delta update skips ${delta.skipped} segments from ${delta.sequence} on; ${kept.length} are known`);
  const place = (each) => ({...each, era: each.era - delta.eras + kept.at(-1).era});
  return {...delta, skipped: 0, segments: [...kept, ...delta.segments.map((segment) => ({...place(segment), parts: segment.parts.map(place)}))], parts: delta.parts.map(place)};
}

/** What the later of two playlists of one address breaks. */
export function checkReload(before, after) {
  const faults = [];
  const must = (holds, what) => { if (!holds) faults.push(what); };
  must(after.target === before.target, `the target duration went from ${before.target} to ${after.target}`);
  must(after.version === before.version, `the version went from ${before.version} to ${after.version}`);
  must(after.partTarget === before.partTarget, `PART-TARGET went from ${before.partTarget} to ${after.partTarget}`);
  must(JSON.stringify(after.control) === JSON.stringify(before.control), 'EXT-X-SERVER-CONTROL has changed');
  must(after.sequence >= before.sequence, `the media sequence went from ${before.sequence} to ${after.sequence}`);
  must(after.eras >= before.eras, `the discontinuity sequence went from ${before.eras} to ${after.eras}`);
  const end = (list) => list.lastMsn + 1 + list.parts.length / 1e6;
  must(end(after) >= end(before), `the end went back from ${before.lastMsn} and ${before.parts.length} parts to ${after.lastMsn} and ${after.parts.length}`);
  const known = new Map(before.segments.map((segment) => [segment.msn, segment]));
  for (const segment of after.segments) {
    const old = known.get(segment.msn);
    if (!old) continue;
    for (const field of ['uri', 'duration', 'map', 'era', 'date', 'gap']) must(old[field] === segment[field], `${field} of ${segment.msn} went from ${old[field]} to ${segment[field]}`);
    if (old.parts.length && segment.parts.length) must(JSON.stringify(old.parts) === JSON.stringify(segment.parts), `the parts of ${segment.msn} have changed`);
  }
  // What was the open segment.
  const grown = after.lastMsn === before.lastMsn ? after : after.segments.find((segment) => segment.msn === before.lastMsn + 1);
  if (grown && !grown.gap) {
    before.parts.forEach((part, i) => must(JSON.stringify(part) === JSON.stringify(grown.parts[i]), `part ${i} of ${before.lastMsn + 1} went from ${JSON.stringify(part)} to ${JSON.stringify(grown.parts[i])}`));
    const added = grown.parts[before.parts.length];
    if (before.parts.length && before.hint && added) must(before.hint === added.uri, `after the hint ${before.hint} came ${added.uri}`);
  }
  return faults;
}
