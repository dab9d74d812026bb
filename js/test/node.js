// A node of js-libp2p that keeps its records in a store, for the tests in Go.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { ping } from '@libp2p/ping'
import { webSockets } from '@libp2p/websockets'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { NetabaseDatastore } from '../index.js'

let node, store

/** Starts the node, and gives its peer id once a peer is in its routing table. */
export async function join (program, options, address) {
  store = new NetabaseDatastore(program, options)
  await store.open()
  node = await createLibp2p({
    datastore: store,
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: {
      identify: identify(),
      ping: ping(),
      dht: kadDHT({
        protocol: '/netabase/kad/1.0.0',
        clientMode: false,
        peerInfoMapper: passthroughMapper,
        ...store.rules()
      })
    }
  })
  const { remotePeer } = await node.dial(multiaddr(address))
  while (await node.services.dht.routingTable.find(remotePeer) == null) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return node.peerId.toString()
}

/** Stops the node, and closes its store. */
export async function leave () {
  await node.stop()
  await store.close()
}

/** The contents of the store: rows by an index, and the keys of the datastore below a prefix. */
export const held = {
  find: (...args) => store.find(...args),
  keys: async (prefix) => {
    const keys = []
    for await (const key of store.queryKeys({ prefix })) keys.push(key.toString())
    return keys
  }
}

/** Announces that this node has the data with a hash, in hex, and finds who else has. */
export async function provide (hash) {
  const { CID } = await import('multiformats/cid')
  const { create } = await import('multiformats/hashes/digest')
  const bytes = Uint8Array.from(hash.match(/../g), (byte) => parseInt(byte, 16))
  const cid = CID.createV1(0x55, create(0x12, bytes))
  for await (const event of node.services.dht.provide(cid)) {
    if (event.name === 'QUERY_ERROR') throw event.error
  }
  const found = []
  for await (const event of node.services.dht.findProviders(cid, { signal: AbortSignal.timeout(10_000) })) {
    if (event.name === 'PROVIDER') found.push(...event.providers.map(({ id }) => id.toString()))
  }
  return { self: node.peerId.toString(), found }
}
