// A js-libp2p peer of a Netabase DHT that knows nothing of Netabase's code: it
// writes and checks records by docs/format.md alone. It reads a command as JSON
// from each line of its input and answers each with a line of JSON: {"ok": …}, or
// {"error": text}.
import { createInterface } from 'node:readline'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import * as dagCBOR from '@ipld/dag-cbor'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { multiaddr } from '@multiformats/multiaddr'

const namespace = 'shop.item'

// The key of an item as text: its number, filled up to 20 digits.
const recordKey = (id) => new TextEncoder().encode(`/${namespace}/${String(id).padStart(20, '0')}`)

// Accepts an item that lies under its own key. Whether its bytes are canonical is
// left to those who store it.
function validate (key, value) {
  const item = dagCBOR.decode(value)
  if (Buffer.compare(recordKey(item.id), key) !== 0) {
    throw new Error(`item ${item.id} lies under ${Buffer.from(key)}`)
  }
}

// Of several items the one with the higher version is the better, and of two with
// one version that of which the bytes are larger.
function select (key, values) {
  const version = (value) => dagCBOR.decode(value).version
  let best = 0
  for (let i = 1; i < values.length; i++) {
    const order = version(values[i]) - version(values[best]) || Buffer.compare(values[i], values[best])
    if (order > 0) best = i
  }
  return best
}

const node = await createLibp2p({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  services: {
    identify: identify(),
    ping: ping(),
    dht: kadDHT({
      protocol: '/netabase/kad/1.0.0',
      clientMode: false,
      peerInfoMapper: passthroughMapper,
      validators: { [namespace]: validate },
      selectors: { [namespace]: select }
    })
  }
})

const commands = {
  address: () => node.getMultiaddrs()[0].toString(),

  // Resolves once the peer is in the routing table.
  dial: async ({ address }) => {
    const { remotePeer } = await node.dial(multiaddr(address))
    for (let i = 0; i < 100; i++) {
      if (await node.services.dht.routingTable.find(remotePeer) != null) return remotePeer.toString()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error('the peer does not come into the routing table')
  },

  // Puts an item, or the bytes given in base 64 in its place. Tells how many
  // peers have taken it.
  put: async ({ id, item, bytes }) => {
    const value = bytes === undefined ? dagCBOR.encode(item) : Buffer.from(bytes, 'base64')
    let taken = 0
    const errors = []
    for await (const event of node.services.dht.put(recordKey(id), value, { signal: AbortSignal.timeout(20_000) })) {
      if (event.name === 'PEER_RESPONSE' && event.messageName === 'PUT_VALUE') taken++
      if (event.name === 'QUERY_ERROR') errors.push(event.error.message)
    }
    return { taken, errors }
  },

  get: async ({ id }) => {
    for await (const event of node.services.dht.get(recordKey(id), { signal: AbortSignal.timeout(20_000) })) {
      if (event.name === 'VALUE') return dagCBOR.decode(event.value)
    }
    throw new Error('not found')
  }
}

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
