// SPDX-License-Identifier: Apache-2.0
// Numbers and times as people read them. Times are shown in the browser's zone.

const scale = (value: number, base: number, units: string[]): string => {
  let at = 0;
  while (value >= base && at < units.length - 1) {
    value /= base;
    ++at;
  }
  return `${value >= 100 || at === 0 ? Math.round(value) : value.toPrecision(value >= 10 ? 3 : 2)} ${units[at]}`;
};

export const bytes = (value: number): string => scale(value, 1000, ['B', 'kB', 'MB', 'GB', 'TB', 'PB']);
export const bitRate = (value: number): string => scale(value, 1000, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s']);

/** "3 d 4 h", "12 min", "8 s": two units at most. */
export function span(seconds: number): string {
  if (seconds < 1) return '0 s';
  const parts: [number, string][] = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const first = parts.findIndex(([size]) => seconds >= size);
  const shown = parts.slice(first, first + 2).map(([size, unit], i) => {
    const count = Math.floor(i === 0 ? seconds / size : (seconds % (parts[first]?.[0] ?? 1)) / size);
    return count > 0 ? `${count} ${unit}` : '';
  });
  return shown.filter(Boolean).join(' ');
}

const dateTime = new Intl.DateTimeFormat('en-GB', {dateStyle: 'medium', timeStyle: 'medium'});
const clockTime = new Intl.DateTimeFormat('en-GB', {timeStyle: 'medium'});
const shortTime = new Intl.DateTimeFormat('en-GB', {timeStyle: 'short'});
const day = new Intl.DateTimeFormat('en-GB', {weekday: 'short', day: 'numeric', month: 'short'});

/** Of epoch seconds. */
export const when = (seconds: number): string => dateTime.format(seconds * 1000);
export const clock = (seconds: number): string => clockTime.format(seconds * 1000);
export const clockWithTenths = (seconds: number): string => `${clock(seconds)}.${Math.floor((seconds % 1) * 10)}`;
export const hourMinute = (seconds: number): string => shortTime.format(seconds * 1000);
export const dayName = (seconds: number): string => day.format(seconds * 1000);

/** The time of day, with the day unless it is today. */
export const whenShort = (seconds: number): string => {
  const isToday = new Date(seconds * 1000).toDateString() === new Date().toDateString();
  return isToday ? hourMinute(seconds) : `${dayName(seconds)} ${hourMinute(seconds)}`;
};

/** For <input type="datetime-local">, and back. */
export function toLocalInput(seconds: number): string {
  const shifted = new Date(seconds * 1000 - new Date(seconds * 1000).getTimezoneOffset() * 60000);
  return shifted.toISOString().slice(0, 19);
}
export const fromLocalInput = (text: string): number => new Date(text).getTime() / 1000;

/** "front-door-20261126-081102" for a file. */
export function fileStamp(seconds: number): string {
  return toLocalInput(seconds).replace(/[-:]/g, '').replace('T', '-');
}

const stateNames: Record<string, string> = {
  recording: 'Recording', connected: 'Connected', connecting: 'Connecting', offline: 'Offline', peer_to_peer: 'Peer to peer',
};
export const stateName = (state: string): string => stateNames[state] ?? state;
