// SPDX-License-Identifier: Apache-2.0
// A real S3 server for one test: Ceph's radosgw with one monitor and one object store daemon in memory, on loopback, without a
// manager, cephx or systemd. Installed by tools/apt-packages.txt.
import {CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client} from '@aws-sdk/client-s3';
import {randomUUID} from 'node:crypto';
import {mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {scratch} from './media_files.mjs';
import {mustRun, run} from './programs.mjs';
import {freePorts} from './server.mjs';

export const s3Keys = {accessKeyId: 'RADOSKEY', secretAccessKey: 'radosradosradosrados'};

// A monitor's rounds are a second apart by default, and a start is a dozen of them.
const configuration = (folder, port, fsid) => `[global]
fsid = ${fsid}
mon_host = [v2:127.0.0.1:${port}/0,v1:127.0.0.1:${port + 1}/0]
mon_initial_members = a
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_port_min = ${port + 3}
ms_bind_port_max = ${port + 30}
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
run_dir = ${folder}/run
pid_file = ${folder}/run/$name.pid
admin_socket = ${folder}/run/$name.asok
log_file = ${folder}/log/$name.log
crash_dir = ${folder}/log
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
osd_crush_chooseleaf_type = 0
mon_data_avail_warn = 1
mon_data_avail_crit = 1
[mon]
mon_data = ${folder}/mon
mon_osd_full_ratio = 0.99
mon_osd_nearfull_ratio = 0.98
[osd]
osd_data = ${folder}/osd
osd_journal = ${folder}/osd/journal
osd_objectstore = memstore
memstore_device_bytes = 1073741824
[client.rgw]
rgw_frontends = beast endpoint=127.0.0.1:${port + 2}
rgw_data = ${folder}/rgw
rgw_dns_name = localhost
rgw_enable_usage_log = false
rgw_rados_pool_pg_num_min = 1
rgw_thread_pool_size = 16
ms_mon_client_mode = crc
ms_client_mode = crc
debug_rgw = 1
`;

export class Radosgw {
  static async start() {
    const store = new Radosgw();
    const folder = store.folder = scratch('rgw');
    for (const name of ['mon', 'osd', 'run', 'log', 'rgw']) mkdirSync(join(folder, name));
    const port = await freePorts(32);
    store.url = `http://127.0.0.1:${port + 2}`;
    const file = join(folder, 'ceph.conf');
    writeFileSync(file, configuration(folder, port, randomUUID()));
    process.on('exit', () => store.signal('SIGKILL'));
    const ceph = ['-c', file];
    const fsid = readFileSync(file, 'utf8').match(/fsid = (.*)/)[1];
    await mustRun('monmaptool', ['--create', '--clobber', '--fsid', fsid, '--addv', 'a', `[v2:127.0.0.1:${port}/0,v1:127.0.0.1:${port + 1}/0]`, join(folder, 'monmap')]);
    await mustRun('ceph-mon', ['--mkfs', '-i', 'a', '--monmap', join(folder, 'monmap'), ...ceph]);
    await mustRun('ceph-mon', ['-i', 'a', ...ceph]);
    const osd = randomUUID();
    await store.until(async () => (await run('ceph', [...ceph, '--connect-timeout', '3', 'osd', 'new', osd], {timeout: 10000})).code === 0, 'osd new');
    await mustRun('ceph-osd', ['-i', '0', '--mkfs', '--osd-uuid', osd, ...ceph]);
    await mustRun('ceph-osd', ['-i', '0', ...ceph]);
    await mustRun('radosgw-admin', [...ceph, '-n', 'client.rgw', 'user', 'create', '--uid=test', '--display-name=test',
      `--access-key=${s3Keys.accessKeyId}`, `--secret-key=${s3Keys.secretAccessKey}`]);
    store.ceph = ceph;
    await store.startGateway();
    store.client = new S3Client({endpoint: store.url, region: 'us-east-1', credentials: s3Keys, forcePathStyle: true, maxAttempts: 1});
    return store;
  }

  async startGateway() {
    await mustRun('radosgw', [...this.ceph, '-n', 'client.rgw']);
    await this.until(() => fetch(this.url).then(() => true, () => false), 'an answer of radosgw');
  }

  /** As a crash would. */
  async stopGateway() {
    await this.end('client.rgw', 'SIGKILL');
  }

  async until(condition, what, deadline = 60000) {
    for (const end = Date.now() + deadline; Date.now() < end; await sleep(100)) if (await condition()) return;
    throw new Error(`${what} did not come in ${deadline} ms`);
  }

  createBucket(Bucket) {
    return this.client.send(new CreateBucketCommand({Bucket}));
  }

  /** Every key, in order. */
  async keys(Bucket) {
    const {Contents = []} = await this.client.send(new ListObjectsV2Command({Bucket}));
    return Contents.map((each) => each.Key);
  }

  /** {bytes, type, metadata} */
  async get(Bucket, Key) {
    const answer = await this.client.send(new GetObjectCommand({Bucket, Key}));
    return {bytes: Buffer.from(await answer.Body.transformToByteArray()), type: answer.ContentType, metadata: answer.Metadata};
  }

  pidOf(name) {
    try {
      return Number(readFileSync(join(this.folder, 'run', `${name}.pid`), 'utf8'));
    } catch {
      return 0;
    }
  }

  signal(signal) {
    for (const name of ['client.rgw', 'osd.0', 'mon.a']) {
      const pid = this.pidOf(name);
      try {
        if (pid > 0) process.kill(pid, signal);
      } catch {}
    }
  }

  async end(name, signal = 'SIGTERM') {
    const pid = this.pidOf(name);
    // One that has ended may stay a zombie: it is nobody's child.
    const alive = () => {
      try {
        return pid > 0 && !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
      } catch {
        return false;
      }
    };
    if (!alive()) return;
    process.kill(pid, signal);
    for (const end = Date.now() + 5000; alive() && Date.now() < end;) await sleep(50);
    if (alive()) process.kill(pid, 'SIGKILL');
  }

  async stop() {
    this.client?.destroy();
    for (const name of ['client.rgw', 'osd.0', 'mon.a']) await this.end(name, 'SIGKILL');  // its data is in memory
    rmSync(this.folder, {recursive: true, force: true});
  }
}
