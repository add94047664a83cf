// SPDX-License-Identifier: Apache-2.0
// Light or dark: what the system says, unless the person has said otherwise here.

export type Theme = 'system' | 'light' | 'dark';
const place = 'tidegate.theme';
const order: Theme[] = ['system', 'light', 'dark'];

export function currentTheme(): Theme {
  const kept = localStorage.getItem(place);
  return order.find((each) => each === kept) ?? 'system';
}

export function applyTheme(theme: Theme = currentTheme()): void {
  if (theme === 'system') {
    localStorage.removeItem(place);
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem(place, theme);
    document.documentElement.dataset.theme = theme;
  }
  dispatchEvent(new Event('themechange'));
}

export const nextTheme = (theme: Theme): Theme => order[(order.indexOf(theme) + 1) % order.length] ?? 'system';
