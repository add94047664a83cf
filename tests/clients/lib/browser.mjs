// SPDX-License-Identifier: Apache-2.0
// Debian's Chromium with a fake camera on a page that holds the bundled clients.
import {build} from 'esbuild';
import {existsSync} from 'node:fs';
import {createServer} from 'node:http';
import {fileURLToPath} from 'node:url';
import {chromium} from 'playwright-core';

export const executable = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);
export const flags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--use-fake-device-for-media-stream=fps=30', '--use-fake-ui-for-media-stream', '--allow-loopback-in-peer-connection',
  '--ignore-certificate-errors', '--autoplay-policy=no-user-gesture-required',
  // A page that nobody looks at must not be slowed down.
  '--disable-background-timer-throttling', '--disable-renderer-backgrounding', '--disable-backgrounding-occluded-windows'];

async function bundle() {
  const result = await build({
    entryPoints: [fileURLToPath(new URL('../page/client.mjs', import.meta.url))], bundle: true, write: false, format: 'iife', globalName: 'client',
    platform: 'browser', define: {global: 'globalThis', 'process.env.PACKAGE_VERSION': '"2.9.0"'}, logLevel: 'error',
  });
  return result.outputFiles[0].contents;
}

export class Browser {
  /** moreFlags: of Chromium, beside the usual ones. */
  static async start(moreFlags = []) {
    const browser = new Browser();
    const script = await bundle();
    browser.server = createServer((request, response) => {
      const isScript = request.url === '/client.js';
      response.writeHead(200, {'content-type': isScript ? 'text/javascript' : 'text/html'});
      response.end(isScript ? script : '<!doctype html><title>client</title><body><script src="/client.js"></script>');
    });
    await new Promise((resolve) => browser.server.listen(0, '127.0.0.1', resolve));
    browser.chromium = await chromium.launch({executablePath: executable, headless: true, args: [...flags, ...moreFlags]});
    return browser;
  }

  /** A new page, loaded: an OpenPage. What loading costs does not disturb what is measured later. */
  async open() {
    const context = await this.chromium.newContext({ignoreHTTPSErrors: true});
    const page = await context.newPage();
    const opened = new OpenPage(context, page);
    await page.goto(`http://localhost:${this.server.address().port}/`);
    return opened;
  }

  /** OpenPage.call() in a page of its own. */
  async call(name, argument) {
    return (await this.open()).call(name, argument);
  }

  async stop() {
    await this.chromium.close();
    this.server.close();
  }
}

class OpenPage {
  constructor(context, page) {
    Object.assign(this, {context, page, log: []});
    page.on('console', (message) => this.log.push(message.text()));
    page.on('pageerror', (error) => this.log.push(String(error)));
  }

  /** Calls one of the functions of page/client.mjs, and closes the page. */
  async call(name, argument) {
    try {
      return await this.page.evaluate(([f, a]) => globalThis.client[f](a), [name, argument]);
    } catch (error) {
      throw new Error(`${error.message}\nconsole:\n${this.log.slice(-40).join('\n')}`);
    } finally {
      await this.context.close();
    }
  }
}
