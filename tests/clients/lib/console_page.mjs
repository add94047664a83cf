// SPDX-License-Identifier: Apache-2.0
// The web console in Chromium, watched: what it asked whom, what it said in its console, where it asked for a microphone.
import {build} from 'esbuild';
import {mkdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {chromium} from 'playwright-core';
import {executable, flags} from './browser.mjs';
import {credentials, root} from './server.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
export const screens = process.env.CONSOLE_SCREENS ?? join(root, 'build/console-screens');

/** readClock() of the burnt-in clock, for pages that were not built with it. */
async function clockReader() {
  const result = await build({entryPoints: [fileURLToPath(new URL('../page/burnt_in_clock.mjs', import.meta.url))], bundle: true, write: false, format: 'iife',
    globalName: 'burntInClock', logLevel: 'error'});
  return `addEventListener('DOMContentLoaded', () => {\n${result.outputFiles[0].text}\nglobalThis.burntInClock = burntInClock; });`;
}

export class ConsoleBrowser {
  static async start() {
    const browser = new ConsoleBrowser();
    browser.chromium = await chromium.launch({executablePath: executable, headless: true, args: [...flags, '--host-resolver-rules=MAP camera.test 127.0.0.1']});
    browser.clock = await clockReader();
    mkdirSync(screens, {recursive: true});
    return browser;
  }

  /** A page of its own at the console of a server. options: those of a Playwright context; init: runs in the page before its scripts. */
  async open(server, {origin = `http://localhost:${server.httpPort}`, init, ...options} = {}) {
    const context = await this.chromium.newContext({viewport: {width: 1280, height: 800}, acceptDownloads: true, ...options});
    await context.grantPermissions(['camera', 'microphone', 'clipboard-read', 'clipboard-write'], {origin}).catch(() => {});
    await context.addInitScript(this.clock);
    if (init) await context.addInitScript(init);
    await context.addInitScript(() => {
      globalThis.mediaAsked = [];
      const devices = navigator.mediaDevices;
      if (!devices) return;
      const ask = devices.getUserMedia.bind(devices);
      devices.getUserMedia = (wish) => { globalThis.mediaAsked.push(JSON.stringify(wish)); return ask(wish); };
      globalThis.screensAsked = [];
      const askScreen = devices.getDisplayMedia.bind(devices);
      devices.getDisplayMedia = (wish) => { globalThis.screensAsked.push(JSON.stringify(wish)); return askScreen(wish); };
    });
    const page = await context.newPage();
    const console = new ConsolePage(page, context, origin);
    await page.goto(`${origin}/console/`);
    return console;
  }

  stop() {
    return this.chromium.close();
  }
}

export class ConsolePage {
  constructor(page, context, origin) {
    Object.assign(this, {page, context, origin, requests: [], faults: []});
    page.setDefaultTimeout(15000);
    page.on('request', (request) => this.requests.push({url: request.url(), text: `${request.url()}\n${JSON.stringify(request.headers())}\n${request.postData() ?? ''}`}));
    page.on('pageerror', (error) => this.faults.push(String(error)));
    page.on('console', (message) => { if (message.type() === 'error') this.faults.push(`${message.text()} ${message.location().url}`); });
  }

  async signIn(key = credentials, keep = false) {
    await this.page.fill('[name=id]', key.accessKeyId);
    await this.page.fill('[name=secret]', key.secretAccessKey);
    if (keep) await this.page.check('[name=keep]');
    await this.page.click('button.primary');
  }

  /** To a page by its address, once it is drawn. */
  async go(hash, sign = 'h1') {
    await this.page.evaluate((to) => { location.hash = to; }, hash);
    await this.page.waitForSelector(`main ${sign}`);
  }

  /** Polls a function of the page until it is truthy; its value. */
  until(look, argument, timeout = 15000) {
    return this.page.waitForFunction(look, argument, {timeout, polling: 50}).then((handle) => handle.jsonValue());
  }

  /** The clock in the picture that the first video shows, milliseconds since midnight UTC. */
  clock() {
    return this.page.evaluate(() => globalThis.burntInClock.readClock(document.querySelector('video')));
  }

  /** Faults that axe-core calls serious or critical, as text. `options`: of axe.run(). */
  async axeFaults(options = {}) {
    await this.page.evaluate(axe);
    const {violations} = await this.page.evaluate((more) => globalThis.axe.run(document, {resultTypes: ['violations'], ...more}), options);
    return violations.filter(({impact}) => ['serious', 'critical'].includes(impact))
      .map(({id, nodes}) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.target.join(' ')} (${node.failureSummary?.replaceAll('\n', ' ')})`).join('; ')}`);
  }

  screenshot(name) {
    return this.page.screenshot({path: join(screens, `${name}.png`)});
  }

  close() {
    return this.context.close();
  }
}
