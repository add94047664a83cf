// SPDX-License-Identifier: Apache-2.0
// What deploy/ holds, as far as it can be checked without a container engine, a Grafana and a Prometheus.
import assert from 'node:assert/strict';
import {existsSync, mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {after, before, describe, test} from 'node:test';
import {scratch} from './lib/media_files.mjs';
import {mustRun, run} from './lib/programs.mjs';
import {binary, root, Server} from './lib/server.mjs';

const file = (name) => readFileSync(join(root, 'deploy', name), 'utf8');
const metricsIn = (text) => new Set(text.match(/\btidegate_[a-z_]+/g));

describe('metrics', () => {
  let server, known;
  before(async () => {
    server = await Server.start();
    await fetch(`${server.url}/listStreams`, {method: 'POST', body: '{}'}).then((answer) => answer.text());
    const text = await (await fetch(`${server.url}/metrics`)).text();
    known = new Set([...text.matchAll(/^# TYPE (\S+) (\S+)/gm)].flatMap(([, name, type]) => (type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name])));
  });
  after(() => server?.stop());
  for (const name of ['grafana/tidegate.json', 'prometheus/alerts.yml']) {
    test(`${name} asks only for what a server has`, () => {
      const asked = metricsIn(file(name));
      assert.ok(asked.size > 5);
      assert.deepEqual([...asked].filter((each) => !known.has(each)), []);
    });
  }
  test('the health check of the image tells a server that is ready from one that is not there', async () => {
    const [, command] = file('Dockerfile').match(/^HEALTHCHECK .*CMD (\[.*\])$/m);
    const [program, ...args] = JSON.parse(command);
    const at = (port) => args.map((each) => each.replace('/8080', `/${port}`));
    await mustRun(program, at(server.httpPort));
    assert.notEqual((await run(program, at(1))).code, 0);
  });
});

describe('prometheus', () => {
  test('the rules are well formed and fire when they should', async () => {
    await mustRun('promtool', ['check', 'rules', join(root, 'deploy/prometheus/alerts.yml')]);
    await mustRun('promtool', ['test', 'rules', join(root, 'deploy/prometheus/alerts_test.yml')]);
  });
});

describe('grafana', () => {
  test('panels have their own ids and places', () => {
    const {panels} = JSON.parse(file('grafana/tidegate.json'));
    assert.equal(new Set(panels.map(({id}) => id)).size, panels.length);
    const taken = new Map();
    for (const {title, gridPos: {x, y, w, h}} of panels) {
      assert.ok(x + w <= 24, title);
      for (let column = x; column < x + w; ++column) {
        for (let line = y; line < y + h; ++line) {
          assert.equal(taken.get(`${column} ${line}`), undefined, `${title} covers ${taken.get(`${column} ${line}`)}`);
          taken.set(`${column} ${line}`, title);
        }
      }
    }
  });
  test('every expression is PromQL', async () => {
    const {panels} = JSON.parse(file('grafana/tidegate.json'));
    const folder = scratch('dashboard');
    const expressions = panels.flatMap(({targets = []}) => targets.map(({expr}) => expr));
    assert.ok(expressions.length > 30);
    const rules = expressions.map((expr, i) => ({record: `panel:${i}`, expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*')}));
    writeFileSync(join(folder, 'rules.yml'), JSON.stringify({groups: [{name: 'panels', rules}]}));
    await mustRun('promtool', ['check', 'rules', join(folder, 'rules.yml')]);
    rmSync(folder, {recursive: true});
  });
});

describe('systemd', () => {
  test('the unit is one that systemd takes, and confines the server', async () => {
    const folder = scratch('unit');
    mkdirSync(folder, {recursive: true});
    const unit = join(folder, 'tidegate.service');
    writeFileSync(unit, file('tidegate.service').replace('/usr/local/bin/tidegate', binary));
    const {stderr} = await mustRun('systemd-analyze', ['verify', '--man=no', unit]);
    assert.equal(stderr.split('\n').filter((line) => line.includes('tidegate.service')).join('\n'), '');
    const {stdout} = await mustRun('systemd-analyze', ['security', '--offline=true', '--threshold=25', '--no-pager', unit]);
    console.log(stdout.trim().split('\n').at(-1).trim());
    rmSync(folder, {recursive: true});
  });
  test('its flags are flags of the program', async () => {
    const {stdout} = await mustRun(binary, ['serve', '--help']);
    const [, command] = file('tidegate.service').match(/^ExecStart=\S+ (.*)$/m);
    for (const flag of command.match(/--[a-z-]+/g)) assert.ok(stdout.includes(`${flag} `), flag);
  });
});

describe('the image', () => {
  const lines = file('Dockerfile').replaceAll(/\\\n/g, ' ').split('\n');
  test('two stages, not root, nothing fetched but packages', () => {
    assert.equal(lines.filter((line) => line.startsWith('FROM ')).length, 2);
    const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
    assert.ok(last.some((line) => /^USER [1-9]\d*:/.test(line)));
    assert.ok(!lines.some((line) => /^ADD |curl |wget /.test(line)));
    assert.ok(last.findIndex((line) => line.startsWith('USER')) > last.findIndex((line) => line.startsWith('RUN')));
    for (const [, from] of lines.join('\n').matchAll(/^COPY --from=build \/src\/(\S+)/gm)) assert.ok(existsSync(join(root, from)), from);
  });
  test('it has the packages that the program links against, and no others', async () => {
    const [, listed] = lines.find((line) => line.includes('--no-install-recommends')).match(/--no-install-recommends(.*?)&&/);
    const packages = new Set(listed.trim().split(/\s+/));
    const {stdout} = await mustRun('readelf', ['-d', binary]);
    const triple = {x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu'}[process.arch];
    const libraries = [...stdout.matchAll(/NEEDED.*\[(.+)\]/g)].map(([, library]) => `*/${triple}/${library}`);
    const {stdout: owners} = await mustRun('dpkg', ['-S', ...libraries]);
    const needed = new Set(owners.trim().split('\n').map((line) => line.split(':')[0]));
    assert.ok(needed.size > 10, owners);
    const everywhere = new Set(['libc6', 'libgcc-s1']);  // of every Debian image
    assert.deepEqual([...needed].filter((each) => !packages.has(each) && !everywhere.has(each)), []);
    assert.deepEqual([...packages].filter((each) => !needed.has(each) && each !== 'ca-certificates'), []);
  });
});
