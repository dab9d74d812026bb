// The peer of shop.mjs in Node. It reads a command as JSON from each line of its
// input and answers each with a line of JSON: {"ok": …}, or {"error": text}.
import { createInterface } from 'node:readline'
import { tcp } from '@libp2p/tcp'
import { start } from './shop.mjs'

const { node, commands } = await start({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()]
})

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line)
  let answer
  try {
    answer = { ok: await commands[command.do](command) ?? null }
  } catch (error) {
    answer = { error: `${error.name}: ${error.message}` }
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
}
await node.stop()
