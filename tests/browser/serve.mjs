// The built binary as a child process, for as long as a test needs it.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Starts `dunlin serve`, with more flags, and gives back its base URL and a way to end it. */
export async function serve(binary, listen = '127.0.0.1:0', ...flags) {
  const child = spawn(binary, ['serve', '--listen', listen, '--log', 'warn', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  const line = await Promise.race([
    new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve)),
    ended.then(({ code }) => {
      throw new Error(`${binary} ended with ${code} before it listened`);
    }),
  ]);
  const [url] = line.match(/https?:\/\/\S+/) ?? [];
  if (!url) throw new Error(`no address in ${JSON.stringify(line)}`);
  return {
    url,
    address: new URL(url).host,
    async stop() {
      child.kill('SIGTERM');
      return ended;
    },
    kill: () => child.kill('SIGKILL'),
  };
}
