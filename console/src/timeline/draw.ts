// SPDX-License-Identifier: Apache-2.0
import type {Coverage, Gap} from '../api/own';
import {clock, dayName, hourMinute} from '../format';
import {marks, shares, type View, xOf} from './scale';

export interface Picture {
  view: View;
  coverage: Coverage | undefined;
  cursor: number | undefined;
  hover: number | undefined;
  selection: {start: number; end: number} | undefined;
  now: number;
}

const barTop = 26, barHeight = 26;
export const timelineHeight = 64;

const isOf = (reasons: string[]) => (gap: Gap) => reasons.includes(gap.reason);
/** Nobody was sending is no fault; the rest is. */
export const isQuiet = isOf(['publisher_left', 'server_stopped']);

interface Ink { card: string; sunk: string; line: string; text: string; faint: string; accent: string; warn: string; bad: string; good: string }

export function inkOf(element: Element): Ink {
  const style = getComputedStyle(element);
  const value = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {card: value('card'), sunk: value('sunk'), line: value('line'), text: value('text'), faint: value('faint'), accent: value('accent'),
    warn: value('warn'), bad: value('bad'), good: value('good')};
}

function drawMarks(context: CanvasRenderingContext2D, width: number, {view}: Picture, ink: Ink): void {
  const offset = -new Date(view.start * 1000).getTimezoneOffset() * 60;
  context.font = '11px system-ui, sans-serif';
  context.textBaseline = 'middle';
  for (const {time, text, isMajor} of marks(view, width, offset, {time: hourMinute, second: clock, day: dayName})) {
    const x = Math.round(xOf(view, width, time)) + 0.5;
    context.strokeStyle = ink.line;
    context.beginPath();
    context.moveTo(x, isMajor ? 0 : 18);
    context.lineTo(x, barTop + barHeight + 6);
    context.stroke();
    context.fillStyle = isMajor ? ink.text : ink.faint;
    context.fillText(text, x + 4, 10);
  }
}

/** Hatched, so that a gap is not told by its colour alone. */
function drawGap(context: CanvasRenderingContext2D, x: number, width: number, colour: string): void {
  context.save();
  context.beginPath();
  context.rect(x, barTop, Math.max(2, width), barHeight);
  context.clip();
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  for (let at = Math.floor(x / 7) * 7 - barHeight; at < x + width; at += 7) {
    context.beginPath();
    context.moveTo(at, barTop + barHeight);
    context.lineTo(at + barHeight, barTop);
    context.stroke();
  }
  context.restore();
  context.fillStyle = colour;
  context.fillRect(x, barTop + barHeight - 2, Math.max(2, width), 2);
}

/** As high as its share of the time that a pixel stands for: a month with a minute in every hour is not a full month. */
function drawRecorded(context: CanvasRenderingContext2D, width: number, {view, coverage}: Picture, ink: Ink): void {
  context.fillStyle = ink.accent;
  for (const [x, share] of shares(view, width, coverage?.ranges ?? []).entries()) {
    if (share <= 0) continue;
    const height = share > 0.98 ? barHeight : Math.max(3, share * barHeight);
    context.fillRect(x, barTop + barHeight - height, 1, height);
  }
}

/** What was lost shows above the strip however short it was. */
function drawFaults(context: CanvasRenderingContext2D, width: number, {view, coverage}: Picture, ink: Ink): void {
  context.fillStyle = ink.bad;
  for (const gap of coverage?.gaps ?? []) {
    if (isQuiet(gap) || gap.end < view.start || gap.start > view.end) continue;
    const from = Math.max(0, xOf(view, width, gap.start)), to = Math.min(width, xOf(view, width, gap.end));
    context.fillRect(from, barTop - 4, Math.max(2, to - from), 3);
  }
}

function drawLine(context: CanvasRenderingContext2D, x: number, colour: string, width: number): void {
  context.fillStyle = colour;
  context.fillRect(Math.round(x - width / 2), 20, width, barTop + barHeight - 14);
}

export function draw(context: CanvasRenderingContext2D, width: number, picture: Picture, ink: Ink): void {
  const {view, coverage, cursor, hover, selection, now} = picture;
  const at = (time: number) => xOf(view, width, time);
  context.clearRect(0, 0, width, timelineHeight);
  context.fillStyle = ink.sunk;
  context.fillRect(0, barTop, width, barHeight);
  for (const gap of coverage?.gaps ?? []) {
    if (gap.end < view.start || gap.start > view.end) continue;
    const from = Math.max(0, at(gap.start)), to = Math.min(width, at(Math.min(gap.end, now)));
    if (to - from >= 1.5) drawGap(context, from, to - from, isQuiet(gap) ? ink.faint : ink.bad);
  }
  drawRecorded(context, width, picture, ink);
  drawFaults(context, width, picture, ink);
  drawMarks(context, width, picture, ink);
  if (selection) {
    const from = at(Math.min(selection.start, selection.end)), to = at(Math.max(selection.start, selection.end));
    context.fillStyle = ink.warn;
    context.globalAlpha = 0.35;
    context.fillRect(from, barTop - 4, to - from, barHeight + 8);
    context.globalAlpha = 1;
    drawLine(context, from, ink.warn, 2);
    drawLine(context, to, ink.warn, 2);
  }
  if (now >= view.start && now <= view.end) drawLine(context, at(now), ink.good, 1);
  if (hover !== undefined) drawLine(context, at(hover), ink.faint, 1);
  if (cursor !== undefined && cursor >= view.start && cursor <= view.end) {
    const x = at(cursor);
    drawLine(context, x, ink.text, 2);
    context.fillStyle = ink.text;
    context.beginPath();
    context.moveTo(x - 5, 16);
    context.lineTo(x + 5, 16);
    context.lineTo(x, 23);
    context.fill();
  }
}
