// A js-libp2p peer of a Netabase DHT that knows nothing of Netabase's code: it
// writes and checks records by docs/format.md alone. peer.mjs runs it in Node, and
// page.mjs in a web page.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import * as dagCBOR from '@ipld/dag-cbor'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import { RecordEnvelope } from '@libp2p/peer-record'
import { ping } from '@libp2p/ping'
import { createLibp2p } from 'libp2p'
import { multiaddr } from '@multiformats/multiaddr'
import * as varint from 'uint8-varint'
import { compare } from 'uint8arrays/compare'
import { concat } from 'uint8arrays/concat'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'

export const sha256 = async (data) => new Uint8Array(await crypto.subtle.digest('SHA-256', data))

// The key of a row as text: its number, filled up to 20 digits.
export const keyText = (id) => String(id).padStart(20, '0')

// The rules of an open tree whose primary key is the number id, and whose clock is a field. Age is how many seconds
// its tombstones are kept, in a tree that has them, whose clock is a time in seconds.
function rules (tree, clock, age) {
  const recordKey = (id) => fromString(`/${tree}/${keyText(id)}`)

  // The parts of a value. Of a tombstone there is no more than the clock.
  function parse (value) {
    const row = dagCBOR.decode(value)
    if (!Array.isArray(row)) return { tombstone: false, clock: row[clock], id: row.id }
    const [version, time] = row
    const is = age != null && version === 1 && time >= 0 && compare(dagCBOR.encode([1, time]), value) === 0
    if (!is) throw new Error('a list is no tombstone')
    return { tombstone: true, clock: time }
  }

  return {
    tree,
    age,
    recordKey,
    parse,
    tombstone: (clock) => dagCBOR.encode([1, clock]),

    // Accepts a row that lies under its own key, and a tombstone under any. Whether a row's bytes are canonical is
    // left to those who store it.
    validate (key, value) {
      const { tombstone, id } = parse(value)
      const own = tombstone ? new RegExp(`^/${tree}/[0-9]{20}$`).test(toString(key)) : compare(recordKey(id), key) === 0
      if (!own) throw new Error(`${tombstone ? 'a tombstone' : id} lies under ${toString(key)}`)
    },

    // The one with the higher clock is the better, then a tombstone, then that of which the bytes are larger.
    select (key, values) {
      let best = 0
      for (let i = 1; i < values.length; i++) {
        const [a, b] = [parse(values[i]), parse(values[best])]
        const later = (a.clock > b.clock) - (a.clock < b.clock)
        if ((later || a.tombstone - b.tombstone || compare(values[i], values[best])) > 0) best = i
      }
      return best
    }
  }
}

export const items = rules('shop.item', 'version')
export const notices = rules('board.notice', 'at', 24 * 3600)
const trees = [items, notices]

// What is signed: sequence number, expiry, kind, the record key with its length,
// and the value.
function statement (key, { sequence, expires, retracted }, value) {
  const payload = concat([
    varint.encode(sequence), varint.encode(expires), Uint8Array.of(retracted ? 1 : 0),
    varint.encode(key.length), key, value
  ])
  const codec = fromString('/netabase/record')
  return { domain: 'netabase-record', codec, marshal: () => payload, equals: () => false }
}

// Starts a peer, and returns the node and the commands that the tests give it.
export async function start (options, services = {}) {
  const privateKey = await generateKeyPair('Ed25519')
  const anotherKey = await generateKeyPair('Ed25519')
  const node = await createLibp2p({
    privateKey,
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    ...options,
    services: {
      identify: identify(),
      ping: ping(),
      dht: kadDHT({
        protocol: '/netabase/kad/1.0.0',
        clientMode: false,
        peerInfoMapper: passthroughMapper,
        validators: Object.fromEntries(trees.map(({ tree, validate }) => [tree, validate])),
        selectors: Object.fromEntries(trees.map(({ tree, select }) => [tree, select]))
      }),
      ...services
    }
  })

  // Tells how many peers have taken a record.
  async function put (key, value) {
    let taken = 0
    const errors = []
    for await (const event of node.services.dht.put(key, value, { signal: AbortSignal.timeout(20_000) })) {
      if (event.name === 'PEER_RESPONSE' && event.messageName === 'PUT_VALUE') taken++
      if (event.name === 'QUERY_ERROR') errors.push(event.error.message)
    }
    return { taken, errors }
  }

  const commands = {
    // Resolves once the peer is in the routing table.
    dial: async ({ address }) => {
      const { remotePeer } = await node.dial(multiaddr(address))
      for (let i = 0; i < 100; i++) {
        if (await node.services.dht.routingTable.find(remotePeer) != null) return remotePeer.toString()
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      throw new Error('the peer does not come into the routing table')
    },

    // Puts an item, or what is given in base 64 in its place.
    put: ({ id, item, raw }) =>
      put(items.recordKey(id), raw === undefined ? dagCBOR.encode(item) : fromString(raw, 'base64pad')),

    // Puts a deed, which this peer owns and signs, or somebody else where it is
    // forged; or takes it back.
    putDeed: async ({ number, sequence, text, retracted, forged, expires }) => {
      const owner = node.peerId.toMultihash().bytes
      const key = fromString(`/shop.deed/${toString(owner, 'base16')},${keyText(number)}`)
      const value = retracted ? new Uint8Array() : dagCBOR.encode({ owner, number, text })
      expires ??= Math.floor(Date.now() / 1000) + 3600
      const envelope = await RecordEnvelope.seal(
        statement(key, { sequence, expires, retracted }, value), forged ? anotherKey : privateKey)
      return put(key, envelope.marshal())
    },

    // Puts a picture under its hash, or under another where it is forged.
    putPicture: async ({ title, forged }) => {
      const value = dagCBOR.encode({ title })
      const hash = await sha256(forged ? concat([value, fromString('x')]) : value)
      return put(fromString(`/shop.picture/${toString(hash, 'base16')}`), value)
    },

    get: async ({ id }) => {
      for await (const event of node.services.dht.get(items.recordKey(id), { signal: AbortSignal.timeout(20_000) })) {
        if (event.name === 'VALUE') return dagCBOR.decode(event.value)
      }
      throw new Error('not found')
    }
  }
  return { node, commands }
}
