// SPDX-License-Identifier: Apache-2.0
// lane: media
// The web console in Chromium against a real server with a camera that is being recorded: every page, clicked through.
import assert from 'node:assert/strict';
import {readFileSync, rmSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {Camera} from './lib/camera.mjs';
import {ConsoleBrowser} from './lib/console_page.mjs';
import {Kvs} from './lib/kvs.mjs';
import {scratch} from './lib/media_files.mjs';
import {readSigned} from './lib/own_api.mjs';
import {mustRun, probe} from './lib/programs.mjs';
import {credentials, root, Server} from './lib/server.mjs';

const RATE = 25, day = 86_400_000;
const firstLoadLimit = 300_000;
const pages = [['cameras', '/cameras'], ['camera', '/cameras/front'], ['publish', '/publish'], ['sessions', '/sessions'], ['storage', '/storage'], ['access', '/access']];
let server, kvs, browser, front, signed, thumbnails, recorded;

const camera = (name, seconds) => Camera.start(server.url, ['--channel', name, '--stream', name, '--create', '--ca', server.ca, '--duration', String(seconds),
  '--width', '640', '--height', '360', '--picture-rate', String(RATE), '--bitrate-kbps', '500']);
/** Milliseconds between two times of day, the shorter way round. */
const apart = (a, b) => Math.abs(((a - b) % day + day * 1.5) % day - day / 2);
const plain = (path, headers = {}) => fetch(server.url + path, {headers, redirect: 'manual'});

/** On a camera's page: clicks the strip at a second, and waits until a recorded picture stands there, paused. */
async function scrubTo(console, second) {
  const {page} = console;
  const place = await page.evaluate((at) => {
    const canvas = document.querySelector('.timeline canvas');
    const {left, top, width, height} = canvas.getBoundingClientRect();
    const {start, end} = canvas.dataset;
    return {x: left + (at - start) / (end - start) * width, y: top + height * 0.6, second: (end - start) / width};
  }, second);
  await page.mouse.click(place.x, place.y);
  await console.until((at) => {
    const video = document.querySelector('video');
    const shown = Number(document.querySelector('output.time').dataset.time);
    return document.querySelector('.via').textContent === 'Recording' && video.readyState >= 2 && video.currentTime > 0 && Math.abs(shown - at) < 15;
  }, second);
  return place;
}

/** Pauses, and compares the picture's own clock with what the page says. Milliseconds. */
async function clockAgainstPage(console) {
  await console.page.evaluate(() => document.querySelector('video').pause());
  await sleep(400);
  const picture = await console.until(() => globalThis.burntInClock.readClock(document.querySelector('video')));
  const said = await console.page.evaluate(() => Number(document.querySelector('output.time').dataset.time) * 1000);
  return {picture, said, difference: apart(picture, said)};
}

/** How long the picture of a stream stays as it was once made, and when the next one comes. Milliseconds. */
async function watchThumbnail() {
  const read = async () => (await readSigned(server, '/api/v1/streams/front/thumbnail')).body.image;
  const before = await read();
  let image = before;
  for (const end = Date.now() + 30000; image === before && Date.now() < end;) {
    await sleep(200);
    image = await read();
  }
  const made = Date.now();
  let kept = 0;
  for (const end = Date.now() + 30000; Date.now() < end; await sleep(200)) {
    if (await read() !== image) break;
    kept = Date.now() - made;
  }
  return {kept, changed: Date.now() - made};
}

/** A recording with a gap in it that goes on. What needs none of it is tried meanwhile. */
async function record() {
  const early = camera('front', 4);
  await early.report();
  front = camera('front', 600);
  await kvs.untilFragments('front', (all) => all.length >= 5, 30000);
}

before(async () => {
  server = await Server.start();
  kvs = new Kvs(server.url);
  browser = await ConsoleBrowser.start();
  recorded = record();
  recorded.catch(() => {});  // told where it is awaited
});
after(async () => {
  await signed?.close();
  await browser?.stop();
  await front?.stop();
  await server?.stop();
});

describe('files', () => {
  test('a strict policy, hashed names for ever, the page checked each time', async () => {
    const page = await plain('/console/');
    assert.equal(page.status, 200);
    const policy = page.headers.get('content-security-policy');
    for (const word of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]) assert.ok(policy.includes(word), policy);
    assert.ok(!/unsafe|\*/.test(policy), policy);
    assert.equal(page.headers.get('cache-control'), 'no-cache');
    const again = await plain('/console/', {'if-none-match': page.headers.get('etag')});
    assert.equal(again.status, 304);
    const script = (await page.text()).match(/src="(app-[^"]+)"/)[1];
    const answer = await plain(`/console/${script}`);
    assert.match(answer.headers.get('cache-control'), /immutable/);
    assert.equal(answer.headers.get('content-type'), 'text/javascript; charset=utf-8');
    assert.equal((await plain('/console/nothing.js')).status, 404);
  });
  test('"/" sends browsers here and nobody else', async () => {
    const sent = await plain('/', {accept: 'text/html,application/xhtml+xml'});
    assert.deepEqual([sent.status, sent.headers.get('location')], [302, '/console/']);
    assert.equal((await plain('/', {accept: '*/*'})).status, 404);
    assert.equal((await plain('/console')).status, 302);
  });
  test('what anybody may know: region, HTTPS address, the authority and its fingerprint', async () => {
    const facts = await (await plain('/console/server.json')).json();
    assert.equal(facts.region, 'us-west-2');
    assert.equal(facts.httpsUrl, `https://127.0.0.1:${server.httpsPort}`);
    assert.equal(await (await plain('/console/ca.pem')).text(), String(server.caPem()));
    const {stdout} = await mustRun('openssl', ['x509', '-in', server.ca, '-noout', '-fingerprint', '-sha256']);
    assert.equal(facts.caFingerprint, stdout.trim().split('=')[1]);
  });
});

describe('sign-in', () => {
  test('the first load is small and comes from here alone', async () => {
    const own = await browser.open(server);
    await own.page.waitForSelector('[name=id]');
    const {firstLoad} = JSON.parse(readFileSync(join(root, 'build/release/gen/console/sizes.json'), 'utf8'));
    const loaded = own.requests.map(({url}) => new URL(url));
    assert.ok(loaded.every(({origin}) => origin === own.origin), String(loaded));
    let bytes = 0;
    for (const {pathname} of loaded) bytes += Number((await plain(pathname, {'accept-encoding': 'gzip'})).headers.get('content-length'));
    assert.ok(bytes < firstLoadLimit, `${bytes} bytes`);
    assert.ok(bytes > Object.values(firstLoad).reduce((a, b) => a + b, 0) / 2, `only ${bytes} bytes: not everything was seen`);
    console.log(`first load ${bytes} bytes compressed, ${loaded.length} requests`);
    await own.close();
  });
  test('a wrong secret and an unknown key are told apart; keyboard alone is enough', async () => {
    const own = await browser.open(server);
    await own.signIn({...credentials, secretAccessKey: 'wrong'});
    await own.page.waitForSelector('[role=alert]:has-text("signature")');
    await own.signIn({accessKeyId: 'AKIDNOBODY', secretAccessKey: 'x'});
    await own.page.waitForSelector('[role=alert]:has-text("knows no access key")');
    await own.page.reload();
    await own.page.waitForFunction(() => document.activeElement?.getAttribute('name') === 'id');
    await own.page.keyboard.type(credentials.accessKeyId);
    await own.page.keyboard.press('Tab');
    await own.page.keyboard.type(credentials.secretAccessKey);
    await own.page.keyboard.press('Enter');
    await own.page.waitForSelector('.tile');
    await own.page.keyboard.press('Tab');
    assert.equal(await own.page.evaluate(() => document.activeElement.textContent), 'Skip to the page');
    await own.close();
  });
  test('kept for the tab only when asked for; signing out forgets it', async () => {
    const own = await browser.open(server);
    await own.signIn(credentials);
    await own.page.waitForSelector('header.bar');
    await own.page.reload();
    await own.page.waitForSelector('[name=id]');
    await own.signIn(credentials, true);
    await own.page.waitForSelector('header.bar');
    await own.page.reload();
    await own.page.waitForSelector('header.bar');
    await own.page.click('text=Sign out');
    await own.page.waitForSelector('[name=id]');
    assert.equal(await own.page.evaluate(() => JSON.stringify(sessionStorage)), '{}');
    await own.close();
  });
});

describe('the wall', () => {
  before(async () => {
    await recorded;
    thumbnails = watchThumbnail();
    thumbnails.catch(() => {});  // told where it is awaited
    signed = await browser.open(server);
    await signed.signIn();
    await signed.page.waitForSelector('header.bar');
  });
  test('a camera with its picture, state and bit rate; search', async () => {
    await kvs.call('CreateSignalingChannel', {ChannelName: 'quiet'});
    await signed.go('/cameras', '.tile');
    const {page} = signed;
    await signed.until(() => [...document.querySelectorAll('.tile')].length === 2);
    await signed.until(() => document.querySelector('.tile img')?.naturalWidth === 384);
    const text = await page.textContent('.tile >> nth=0');
    assert.match(text, /front.*Recording.*bit\/s.*since/s);
    assert.match(await page.textContent('.tile >> nth=1'), /quiet.*Peer to peer/s);
    await page.fill('input[type=search]', 'QUI');
    await signed.until(() => document.querySelectorAll('.tile').length === 1 && document.querySelector('.tile strong').textContent === 'quiet');
    await page.fill('input[type=search]', '');
    await page.selectOption('select', 'recording');
    await signed.until(() => document.querySelectorAll('.tile').length === 1 && document.querySelector('.tile strong').textContent === 'front');
    await page.selectOption('select', '');
  });
});

describe('a camera', () => {
  test('live by WebRTC within seconds; no microphone was asked for', async () => {
    await signed.go('/cameras/front', 'video');
    const clock = await signed.until(() => globalThis.burntInClock?.readClock(document.querySelector('video')));
    assert.ok(apart(clock, Date.now()) < 2000, `the picture is ${apart(clock, Date.now())} ms old`);
    assert.equal(await signed.page.textContent('.via'), 'WebRTC');
    await signed.until(() => document.querySelector('.facts').textContent.includes('640 x 360'));
    assert.deepEqual(await signed.page.evaluate(() => globalThis.mediaAsked), []);
  });
  test('talking is asked for by the button, and heard by the server', async () => {
    await signed.page.click('text="Talk"');
    await signed.page.waitForSelector('text="Stop talking"');
    assert.equal(await signed.page.evaluate(() => globalThis.mediaAsked.length), 1);
    const end = Date.now() + 15000;
    for (;;) {
      const {body} = await readSigned(server, '/api/v1/sessions?channelName=front');
      const viewer = body.sessions.find(({role, state}) => role === 'VIEWER' && state === 'connected');
      if (viewer?.numbers.audioPackets > 20) break;
      assert.ok(Date.now() < end, JSON.stringify(viewer));
      await sleep(100);
    }
    await signed.page.click('text="Stop talking"');
    await signed.page.waitForSelector('text="Talk"');
  });
  test('without WebRTC low-latency HLS takes over', async () => {
    const own = await browser.open(server, {init: () => {
      RTCPeerConnection.prototype.setRemoteDescription = () => Promise.reject(new Error('not in this browser'));
    }});
    await own.signIn();
    await own.page.waitForSelector('.tile');
    await own.go('/cameras/front', 'video');
    const clock = await own.until(() => globalThis.burntInClock.readClock(document.querySelector('video')), undefined, 20000);
    assert.equal(await own.page.textContent('.via'), 'low-latency HLS');
    assert.ok(apart(clock, Date.now()) < 6000, `the picture is ${apart(clock, Date.now())} ms old`);
    await own.close();
  });
  test('a second of the strip is the second in the picture', async () => {
    const fragments = await kvs.fragments('front');
    const second = +fragments.at(-3).ProducerTimestamp / 1000 + 1;
    await signed.page.click('text="1 min"');
    const {second: pixel} = await scrubTo(signed, second);
    const {picture, said, difference} = await clockAgainstPage(signed);
    assert.ok(difference <= 1000 / RATE + 20, `the picture says ${picture}, the strip ${said % day}: ${difference} ms apart`);
    // It has played on for a moment since the click.
    assert.ok(said / 1000 > second - pixel - 0.1 && said / 1000 < second + 6, `asked for ${second}, shows ${said / 1000}`);
  });
  test('comma and period go picture by picture, arrows by five seconds, space plays', async () => {
    const {page} = signed;
    await page.evaluate(() => document.activeElement.blur());
    const before = await signed.clock();
    const pressed = async (key, old) => {
      await page.keyboard.press(key);
      return signed.until((is) => {
        const now = globalThis.burntInClock.readClock(document.querySelector('video'));
        return now !== undefined && now !== is && now;
      }, old);
    };
    const next = await pressed('.', before);
    assert.ok(Math.abs(next - before - 1000 / RATE) <= 2, `${before} then ${next}`);
    const third = await pressed('.', next);
    assert.ok(Math.abs(third - next - 1000 / RATE) <= 2, `${next} then ${third}`);
    const back = await pressed(',', third);
    assert.ok(Math.abs(back - next) <= 2, `${third} back to ${back}, not ${next}`);
    const pressedAt = Date.now();
    await page.keyboard.press('ArrowLeft');
    await sleep(900);
    const {picture, difference} = await clockAgainstPage(signed);
    assert.ok(difference <= 60, `${difference} ms apart`);
    const jumped = next - picture;
    assert.ok(jumped > 4900 - (Date.now() - pressedAt) && jumped < 5500, `the arrow went ${jumped} ms back, with what it played since`);
    await page.keyboard.press(' ');
    await signed.until((at) => globalThis.burntInClock.readClock(document.querySelector('video')) > at + 300, picture);
  });
  test('pictures on hover; the saved picture is of the second that is shown', async () => {
    const {page} = signed;
    const box = await page.locator('.timeline canvas').boundingBox();
    const [first] = (await kvs.fragments('front')).slice(-6);
    const share = await page.evaluate((at) => {
      const {start, end} = document.querySelector('.timeline canvas').dataset;
      return (at - start) / (end - start);
    }, +first.ProducerTimestamp / 1000 + 0.5);
    await page.mouse.move(box.x + share * box.width, box.y + 36);
    await signed.until(() => document.querySelector('.preview img')?.naturalHeight === 120 && document.querySelector('.preview').textContent.includes('recorded'));
    const {said} = await clockAgainstPage(signed);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('text="Save picture"')]);
    const jpeg = readFileSync(await download.path());
    const picture = await page.evaluate(async (base64) => {
      const image = new Image();
      image.src = `data:image/jpeg;base64,${base64}`;
      await image.decode();
      const canvas = document.createElement('canvas');
      Object.assign(canvas, {width: image.naturalWidth, height: image.naturalHeight, videoWidth: image.naturalWidth, videoHeight: image.naturalHeight});
      canvas.getContext('2d').drawImage(image, 0, 0);
      return globalThis.burntInClock.readClock(canvas);
    }, jpeg.toString('base64'));
    assert.ok(apart(picture, said) <= 2 * 1000 / RATE, `the picture says ${picture}, the page ${said % day}`);
  });
  test('two fingers zoom the strip and carry it along', async () => {
    const own = await browser.open(server, {viewport: {width: 390, height: 844}, hasTouch: true});
    await own.signIn();
    await own.page.waitForSelector('.tile');
    await own.go('/cameras/front', 'canvas');
    const {left, top, width} = await own.page.evaluate(() => {
      document.querySelector('.timeline').scrollIntoView({block: 'center'});
      const box = document.querySelector('.timeline canvas').getBoundingClientRect();
      return {left: box.left, top: box.top, width: box.width};
    });
    const view = () => own.page.evaluate(() => {
      const {start, end} = document.querySelector('.timeline canvas').dataset;
      return {start: Number(start), end: Number(end)};
    });
    const devtools = await own.context.newCDPSession(own.page);
    const touch = (type, ...shares) => devtools.send('Input.dispatchTouchEvent', {type, touchPoints: shares.map((share, id) => ({x: left + share * width, y: top + 36, id}))});
    /** The times under these shares of the strip. */
    const under = ({start, end}, ...shares) => shares.map((share) => start + share * (end - start));
    const via = () => own.page.textContent('.via');
    await own.until(() => document.querySelector('.via').textContent === 'WebRTC');
    const before = await view();
    await touch('touchStart', 0.4);
    await touch('touchStart', 0.4, 0.6);
    await touch('touchMove', 0.3, 0.7);
    await touch('touchMove', 0.2, 0.8);
    await own.until((span) => {
      const {start, end} = document.querySelector('.timeline canvas').dataset;
      return end - start < span / 2;
    }, before.end - before.start);
    const closer = await view();
    const pixel = (before.end - before.start) / width;
    for (const [i, time] of under(before, 0.4, 0.6).entries()) {
      assert.ok(Math.abs(under(closer, 0.2, 0.8)[i] - time) < 2 * pixel, `the finger holds ${time}, not ${under(closer, 0.2, 0.8)[i]}`);
    }
    await touch('touchMove', 0.1, 0.7);  // both to the left by a tenth
    const carried = (closer.end - closer.start) / 10;
    await own.until(([start, by]) => Math.abs(document.querySelector('.timeline canvas').dataset.start - start - by) < by / 20, [closer.start, carried]);
    await touch('touchEnd', 0.1);
    await touch('touchMove', 0.5);  // the finger that stays does not scrub
    await touch('touchEnd');
    assert.equal(await via(), 'WebRTC', 'nothing was sought');
    await touch('touchStart', 0.02);  // one finger does, as ever
    await touch('touchEnd');
    await own.until(() => document.querySelector('.via').textContent === 'Recording' || document.querySelector('.screen-note'));
    await own.close();
  });
  test('a gap says why; a range becomes a clip', async () => {
    const {page} = signed;
    const {body} = await readSigned(server, '/api/v1/streams/front/coverage');
    const gap = body.gaps.find(({reason}) => reason === 'publisher_left');
    await page.click('text="1 min"');
    const at = await page.evaluate((middle) => {
      const canvas = document.querySelector('.timeline canvas');
      const {left, width, top} = canvas.getBoundingClientRect();
      return {x: left + (middle - canvas.dataset.start) / (canvas.dataset.end - canvas.dataset.start) * width, y: top + 36};
    }, (gap.start + gap.end) / 2);
    await page.mouse.move(at.x, at.y);
    await signed.until(() => document.querySelector('.preview')?.textContent.includes('publisher left'));
    const range = body.ranges.at(-1);
    await page.click('text="Select a range"');
    const local = (seconds) => new Date(Math.round(seconds) * 1000 - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 19);
    await page.fill('.range input >> nth=0', local(range.start + 1));
    await page.dispatchEvent('.range input >> nth=0', 'change');
    await page.fill('.range input >> nth=1', local(range.start + 9));
    await page.dispatchEvent('.range input >> nth=1', 'change');
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('text="Download clip"')]);
    assert.match(download.suggestedFilename(), /^front-\d{8}-\d{6}\.mp4$/);
    const {streams, format} = await probe(await download.path());
    assert.deepEqual(streams.map((each) => each.codec_name).sort(), ['aac', 'h264']);
    assert.ok(format.duration > 5 && format.duration < 13, `${format.duration} s`);
    await page.click('text="Clear"');
  });
});

describe('publish', () => {
  test('this browser as a camera, its steps as they happen', async () => {
    await signed.go('/sessions', '.session');  // its plots grow meanwhile
    const own = await browser.open(server);
    await own.signIn();
    await own.page.waitForSelector('header.bar');
    await own.go('/publish', 'form');
    assert.deepEqual(await own.page.evaluate(() => globalThis.mediaAsked), []);
    await own.page.fill('[name=name]', 'browser-1');
    await own.page.click('text="Start"');
    await own.page.waitForSelector('.steps [data-step=dtls_connected]');
    await own.page.waitForSelector('.steps [data-step=first_fragment_durable]', {timeout: 25000});
    const steps = await own.page.$$eval('.steps [data-step]', (all) => all.map((each) => each.dataset.step));
    assert.deepEqual(steps.slice(0, 2), ['offer_sent', 'answered']);
    await own.screenshot('publishing');
    await kvs.untilFragments('browser-1', (all) => all.length >= 2);
    await own.page.click('text="Stop"');
    await own.page.waitForSelector('form');
    await own.close();
  });
  // Of Chromium without a desktop: a made picture, chosen by nobody, of a size and a kind of its own.
  test('a screen instead, when that is chosen', async () => {
    const own = await browser.open(server);
    await own.signIn();
    await own.page.waitForSelector('header.bar');
    await own.go('/publish', 'form');
    await own.page.fill('[name=name]', 'screen-1');
    await own.page.click('text="Screen or window"');
    assert.deepEqual(await own.page.evaluate(() => globalThis.screensAsked), []);
    await own.page.click('text="Start"');
    const sent = await own.until(() => {
      const [track] = document.querySelector('video')?.srcObject?.getVideoTracks() ?? [];
      const {displaySurface, width, height} = track?.getSettings() ?? {};
      return displaySurface && {displaySurface, width, height, hint: track.contentHint};
    });
    assert.deepEqual([sent.displaySurface, sent.hint], ['monitor', 'detail']);
    assert.deepEqual(await own.page.evaluate(() => [globalThis.mediaAsked.length, globalThis.screensAsked.length]), [0, 1], 'no camera was asked for');
    await own.page.waitForSelector('.steps [data-step=first_fragment_durable]', {timeout: 25000});
    const first = await kvs.untilFragments('screen-1', (all) => all.length >= 1);
    const file = join(scratch('screen'), 'screen.mp4');
    writeFileSync(file, await kvs.clip('screen-1', first));
    const {streams} = await probe(file);
    rmSync(dirname(file), {recursive: true});
    const video = streams.find(({codec_name: name}) => name === 'h264');
    // WebRTC may send it smaller, in its proportions.
    assert.ok(video.width <= sent.width && Math.abs(video.width / video.height - sent.width / sent.height) < 0.02, `${video.width}x${video.height} of ${sent.width}x${sent.height}`);
    await own.page.click('text="Stop"');
    await own.page.waitForSelector('form');
    await own.close();
  });
});

describe('sessions', () => {
  test('steps, and plots that move', async () => {
    await signed.go('/sessions', '.session');
    const {page} = signed;
    const article = page.locator('article[aria-label^="front, camera, connected"]');
    assert.equal(await article.locator('.steps .done').count(), 10);
    await signed.until(() => [...document.querySelectorAll('.plot polyline')].some((line) => line.getAttribute('points').split(' ').length >= 3));
    const received = await article.locator('.plot b').first().textContent();
    assert.match(received, /^[\d.]+ kbit\/s$/);
    assert.ok(Number.parseFloat(received) > 20 && Number.parseFloat(received) < 900, received);
    // As the server has counted it; what is right of it is shown by the rooms' tests (rtp, streams).
    const plotted = (title) => article.locator(`.plot:has(figcaption span:text-is("${title}")) b`).textContent();
    const shows = async (title, text, value) => {
      assert.match(await plotted(title), text);
      return Math.abs(Number.parseFloat(await plotted(title)) - value);
    };
    const {numbers} = (await readSigned(server, '/api/v1/sessions?channelName=front')).body.sessions.find(({role, state}) => role === 'MASTER' && state === 'connected');
    assert.ok(numbers.videoJitterMicroseconds > 0 && numbers.audioJitterMicroseconds > 0, JSON.stringify(numbers));
    assert.ok(await shows('Video jitter', /^[\d.]+ ms$/, numbers.videoJitterMicroseconds / 1000) < 20);
    assert.ok(await shows('Audio jitter', /^[\d.]+ ms$/, numbers.audioJitterMicroseconds / 1000) < 20);
    assert.ok(Math.abs(numbers.skewMicroseconds) < 500_000, `the camera sends both at once: ${numbers.skewMicroseconds}`);
    assert.ok(await shows('Sound lag', /^-?\d+ ms$/, numbers.skewMicroseconds / 1000) < 60);
    await page.click('.group >> text=ended');
    await page.waitForSelector('article[aria-label^="browser-1, camera, ended"]');
    await page.click('.group >> text=all');
  });
});

describe('streams and storage', () => {
  test('create, retention with what it deletes, delete with the name typed', async () => {
    const {page} = signed;
    await signed.go('/storage', 'table');
    await page.click('text="New stream"');
    await page.fill('dialog input >> nth=0', 'spare');
    await page.click('dialog >> text="Create"');
    await page.waitForSelector('tr:has-text("spare")');
    const arn = async () => (await kvs.call('DescribeStream', {StreamName: 'spare'})).StreamInfo;
    assert.equal((await arn()).DataRetentionInHours, 720);
    const {MappedResourceConfigurationList: mapped} = await kvs.call('DescribeMappedResourceConfiguration', {StreamName: 'spare'});
    assert.match(mapped[0].ARN, /channel\/spare\//);
    await page.click('[aria-label="Retention of spare"]');
    await page.fill('dialog input', '48');
    await page.waitForSelector('dialog [data-lost="0"]');
    await page.click('dialog >> text="Change"');
    await page.waitForSelector('dialog', {state: 'detached'});
    assert.equal((await arn()).DataRetentionInHours, 48);
    await page.click('[aria-label="Retention of browser-1"]');
    await page.fill('dialog input', '0');
    const text = await signed.until(() => document.querySelector('dialog [data-lost]')?.textContent.match(/This deletes .*/)?.[0]);
    const {body} = await readSigned(server, '/api/v1/streams/browser-1/coverage');
    const recorded = body.ranges.reduce((sum, {start, end}) => sum + end - start, 0);
    const said = Number(await page.getAttribute('dialog [data-lost]', 'data-lost'));
    assert.ok(Math.abs(said - recorded) < 0.01, `${text}: ${recorded} s are recorded`);
    await page.click('dialog >> text="Cancel"');
    await page.click('[aria-label="Delete spare"]');
    assert.ok(await page.isDisabled('dialog >> text="Delete the stream"'));
    await page.fill('dialog input', 'spare');
    await page.click('dialog >> text="Delete the stream"');
    await page.waitForSelector('tr:has-text("spare")', {state: 'detached'});
    await assert.rejects(arn(), {name: 'ResourceNotFoundException'});
  });
  test('the disk: what is free, and bytes as the server counts them', async () => {
    const {body} = await readSigned(server, '/api/v1/storage');
    const {stdout} = await mustRun('df', ['-B1', '--output=size,avail', server.dataDir]);
    const [size, free] = stdout.trim().split('\n')[1].trim().split(/\s+/).map(Number);
    assert.equal(body.diskCapacity, size);
    assert.ok(Math.abs(body.diskFree - free) < 2e9, `${body.diskFree} of ${free}`);
    const of = body.streams.find(({streamName}) => streamName === 'browser-1');
    const fragments = await kvs.fragments('browser-1');
    assert.equal(of.bytes, fragments.reduce((sum, {FragmentSizeInBytes}) => sum + FragmentSizeInBytes, 0));
    assert.equal(of.fragments, fragments.length);
    assert.match(await signed.page.textContent('.disk'), /free of/);
  });
});

describe('thumbnails', () => {
  test('the picture is one for all who look within ten seconds', async () => {
    const {kept, changed} = await thumbnails;
    assert.ok(kept >= 5000, `made anew after ${kept} ms, while there were newer fragments`);
    assert.ok(changed >= 9000 && changed <= 15000, `made anew after ${changed} ms`);
    const none = await readSigned(server, '/api/v1/streams/nothing/thumbnail');
    assert.deepEqual([none.status, none.body.code], [404, 'ResourceNotFoundException']);
  });
});

describe('access', () => {
  const row = (name) => `tr:has(td:first-child:text-is("${name}"))`;
  const listStreams = async (key) => new Kvs(server.url, {credentials: key}).call('ListStreams').then(() => 'allowed', ({name}) => name);
  /** Makes a key in the console: {accessKeyId, secretAccessKey}, as it is shown. */
  async function makeKey(name, rights) {
    const {page} = signed;
    await page.click('text="New key"');
    await page.fill('dialog [name=key-name]', name);
    await page.selectOption('dialog [name=rights]', rights);
    await page.click('dialog >> text="Make the key"');
    const secretAccessKey = await page.textContent('dialog .made-secret');
    const accessKeyId = await page.textContent('dialog .made-id');
    await page.click('[aria-label="Copy the secret"]');
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secretAccessKey);
    await signed.screenshot('new-key');
    await page.click('dialog >> text="I have kept it"');
    await page.waitForSelector(row(name));
    return {accessKeyId, secretAccessKey};
  }

  test('lines with this address, and no secret', async () => {
    await signed.go('/access', 'pre');
    await signed.page.click('text="boto3"');
    assert.ok((await signed.page.textContent('pre')).includes(signed.origin));
    assert.ok(!(await signed.page.content()).includes(credentials.secretAccessKey));
    await signed.page.click('[aria-label="Copy the lines for boto3"]');
    assert.match(await signed.page.evaluate(() => navigator.clipboard.readText()), /boto3\.client\("kinesisvideo"/);
    assert.equal(await signed.page.locator(`${row('the server\'s own key')} button`).count(), 0, 'the own key is not changed here');
  });
  test('a key is made, shown once, may what was chosen, and is revoked', async () => {
    const {page} = signed;
    const viewer = await makeKey('guest', 'viewer');
    assert.match(viewer.accessKeyId, /^AKIA[A-Z2-7]{16}$/);
    assert.equal(await listStreams(viewer), 'allowed');
    const guest = await browser.open(server);
    await guest.signIn(viewer);
    await guest.page.waitForSelector('.tile img');
    await guest.go('/access', 'pre');
    await guest.page.waitForSelector('[role=alert]:has-text("iam:ListAccessKeys")');
    assert.equal(await guest.page.locator('text="New key"').count(), 0);
    await guest.close();
    assert.ok(!(await page.content()).includes(viewer.secretAccessKey), 'the secret is shown once');
    assert.ok(signed.requests.every(({text}) => !text.includes(viewer.secretAccessKey)));
    assert.ok(!server.output.includes(viewer.secretAccessKey));
    await page.click('[aria-label="Revoke the key of guest"]');
    await page.click('dialog >> text="Cancel"');
    assert.equal(await listStreams(viewer), 'allowed');
    await page.click('[aria-label="Revoke the key of guest"]');
    await page.click('dialog >> text="Revoke"');
    await page.waitForSelector(row('guest'), {state: 'detached'});
    assert.equal(await listStreams(viewer), 'InvalidClientTokenId');
  });
  test('policies come and go; what is wrong with one is said', async () => {
    const {page} = signed;
    const key = await makeKey('gate', '');
    assert.equal(await listStreams(key), 'AccessDeniedException');
    await page.click('[aria-label="Add policy to gate"]');
    await page.selectOption('dialog [name=rights]', 'own');
    await page.fill('dialog [name=document]', '{"Version": "2012-10-17", "Statement": [{"Effect": "Perhaps", "Action": "*", "Resource": "*"}]}');
    await page.click('dialog >> text="Attach"');
    await page.waitForSelector('dialog [role=alert]:has-text("statement 1")');
    await page.selectOption('dialog [name=rights]', 'video');
    await page.click('dialog >> text="Attach"');
    await page.waitForSelector(`${row('gate')} summary:text-is("video")`);
    assert.equal(await listStreams(key), 'allowed');
    await page.click(`${row('gate')} summary`);
    await page.click('[aria-label="Take the policy video from gate"]');
    await page.click('dialog >> text="Take it away"');
    await page.waitForSelector(`${row('gate')}:has-text("nothing: no policy")`);
    assert.equal(await listStreams(key), 'AccessDeniedException');
  });
  test('a camera sends with a key that was made for one', async () => {
    const key = await makeKey('yard', 'camera');
    await kvs.recordedChannel('yard');
    const yard = await Camera.start(server.url, ['--channel', 'yard', '--ca', server.ca, '--duration', '3', '--width', '320', '--height', '180', '--picture-rate', '10',
      '--bitrate-kbps', '100'], key);
    await yard.report();
    assert.ok((await kvs.fragments('yard')).length > 0);
    await assert.rejects(new Kvs(server.url, {credentials: key}).call('DescribeStream', {StreamName: 'front'}), {name: 'AccessDeniedException'});
  });
});

describe('everybody', () => {
  // A page is looked at when what it waits for is there.
  const whole = {
    cameras: () => document.querySelector('.tile img')?.naturalWidth > 0, camera: () => document.querySelector('video')?.readyState >= 2 && document.querySelector('.facts dd'),
    publish: () => document.querySelector('form'), sessions: () => document.querySelector('.session .plot polyline'), storage: () => document.querySelector('tbody tr'),
    access: () => document.querySelector('tbody tr'),
  };
  const desk = {width: 1280, height: 800}, phone = {width: 390, height: 844};
  test('axe-core finds nothing serious, in light and dark, at desk and phone width', async () => {
    const {page} = signed, found = [];
    for (const [name, hash] of pages) {
      await signed.go(hash, name === 'camera' ? 'canvas' : 'h1');
      for (const [title, size, colorScheme] of [['light', desk, 'light'], ['dark', desk, 'dark'], ['phone-dark', phone, 'dark'], ['phone', phone, 'light']]) {
        await page.emulateMedia({colorScheme, reducedMotion: 'reduce'});  // else the colours are on their way
        await page.setViewportSize(size);
        await signed.until(whole[name]);
        await signed.screenshot(`${name}-${title}`);
        // What is not colour is the same in both.
        const faults = await signed.axeFaults(colorScheme === 'light' ? {} : {runOnly: ['color-contrast']});
        found.push(...faults.map((fault) => `${name}, ${title}: ${fault}`));
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        if (wide > size.width) found.push(`${name}, ${title}: ${wide} pixels wide`);
      }
    }
    await page.setViewportSize(desk);
    assert.deepEqual(found, []);
  });
  test('plain http from elsewhere: the page says what to do', async () => {
    // A name that is not localhost, and leads here: no secure context.
    const own = await browser.open(server, {origin: `http://camera.test:${server.httpPort}`});
    await own.page.waitForSelector('h1:has-text("needs HTTPS")');
    await own.page.waitForSelector('.fingerprint');
    const text = await own.page.textContent('main');
    const facts = await (await plain('/console/server.json')).json();
    assert.ok(text.includes(facts.caFingerprint));
    assert.equal(await own.page.getAttribute('a.button', 'href'), `https://camera.test:${server.httpsPort}/console/`);
    assert.equal(await own.page.$('input'), null);
    await own.screenshot('plain-http');
    await own.close();
  });
  test('nothing was asked of anybody else, no secret was sent, nothing went wrong unseen', () => {
    const foreign = signed.requests.filter(({url}) => !/^(data|blob):/.test(url) && ![`localhost:${server.httpPort}`, `127.0.0.1:${server.httpPort}`].includes(new URL(url).host));
    assert.deepEqual(foreign, []);
    assert.ok(signed.requests.length > 50);
    assert.ok(signed.requests.every(({text}) => !text.includes(credentials.secretAccessKey)));
    // Asking whether a channel or stream exists is answered by 404, and a wrong policy by 400, which browsers write down.
    assert.deepEqual(signed.faults.filter((fault) => !/404.*\/describe(SignalingChannel|Stream)$|400.*\/keys\/policies$/.test(fault)), []);
  });
});
