// SPDX-License-Identifier: Apache-2.0
// A server that is allowed a share of one processor only, as a container's limit does it: by a control group of its own.
import {existsSync, mkdirSync, rmdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {Server} from './server.mjs';

const PERIOD_US = 100000;  // what container engines set

/** A control group of version 1 or 2, whichever this machine has; needs root. */
export class CpuLimit {
  constructor(name) {
    this.second = existsSync('/sys/fs/cgroup/cgroup.controllers');
    this.folder = join(this.second ? '/sys/fs/cgroup' : '/sys/fs/cgroup/cpu', name);
    if (this.second) writeFileSync('/sys/fs/cgroup/cgroup.subtree_control', '+cpu');
    mkdirSync(this.folder);
  }

  /** Why there can be none here: no root, or a container whose control groups are read only. */
  static whyNot() {
    try {
      rmdirSync(new CpuLimit(`tidegate-try-${process.pid}`).folder);
      return undefined;
    } catch (error) {
      return `no control group can be made: ${error.message}`;
    }
  }

  write(file, value) {
    writeFileSync(join(this.folder, file), String(value));
  }

  /** Of one processor; null: no limit. */
  set(percent) {
    const quota = percent === null ? null : Math.round(PERIOD_US * percent / 100);
    if (this.second) return this.write('cpu.max', `${quota ?? 'max'} ${PERIOD_US}`);
    this.write('cpu.cfs_period_us', PERIOD_US);
    this.write('cpu.cfs_quota_us', quota ?? -1);
  }

  /** The process with all its threads. */
  take(pid) {
    this.write('cgroup.procs', pid);
  }

  async remove() {
    for (let tries = 0; ; await sleep(20)) {
      try {
        return rmdirSync(this.folder);
      } catch (error) {  // what ended in it is still being taken down
        if (error.code !== 'EBUSY' || ++tries > 50) throw error;
      }
    }
  }
}

/** A Server (of options as Server.start has them) that starts without a limit; server.limit.set() gives it one. */
export async function startSmallServer(options) {
  const server = await Server.start(options);
  server.limit = new CpuLimit(`tidegate-${server.process.pid}`);
  server.limit.take(server.process.pid);
  const stop = server.stop.bind(server);
  server.stop = async () => {
    server.limit.set(null);
    await stop().finally(() => server.limit.remove());
  };
  return server;
}
