// SPDX-License-Identifier: Apache-2.0
// Runs other programs: ffmpeg, ffprobe, openssl, the AWS CLI, `tidegate camera`.
import {spawn} from 'node:child_process';

/** {code, stdout, stderr} of a program that ends by itself; killed after `timeout` ms, code null then. */
export function run(program, args, {input, timeout = 60000, env} = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {env: {...process.env, ...env}, stdio: ['pipe', 'pipe', 'pipe']});
    const out = [], err = [];
    const timer = setTimeout(() => child.kill('SIGKILL'), timeout);
    child.stdout.on('data', (chunk) => out.push(chunk));
    child.stderr.on('data', (chunk) => err.push(chunk));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('error', reject);
    child.on('close', (code) => {
      clearTimeout(timer);
      const stdout = Buffer.concat(out);
      resolve({code, stdout: String(stdout), stdoutBytes: stdout, stderr: String(Buffer.concat(err))});
    });
  });
}

/** The same, and an error unless it ends with 0. */
export async function mustRun(program, args, options) {
  const result = await run(program, args, options);
  if (result.code !== 0) throw new Error(`${program} ${args.join(' ')}\nended with ${result.code}\n${result.stdout.slice(-2000)}${result.stderr.slice(-4000)}`);
  return result;
}

/** Decodes everything in a file or URL; an error at the first fault. */
export const decodeAll = (input, options = {}) =>
  mustRun('ffmpeg', ['-nostdin', '-v', 'error', '-xerror', '-err_detect', 'explode', ...(options.before ?? []), '-i', input, '-map', '0', '-f', 'null', '-'], options);

/** ffprobe's streams and format of a file or URL. */
export const probe = async (input, args = []) =>
  JSON.parse((await mustRun('ffprobe', ['-v', 'error', '-of', 'json', '-show_streams', '-show_format', ...args, input])).stdout);
