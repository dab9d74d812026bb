// The peer of shop.mjs in a web page, which keeps the items of a topic by gossip and
// by sync, both ways. Tests call run with commands.
import * as dagCBOR from '@ipld/dag-cbor'
import { gossipsub, StrictNoSign } from '@libp2p/gossipsub'
import { webSockets } from '@libp2p/websockets'
import { webTransport } from '@libp2p/webtransport'
import * as varint from 'uint8-varint'
import { concat } from 'uint8arrays/concat'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import { keyText, select, sha256, start, validate } from './shop.mjs'
import { answer, decodeRecord, direction, encodeRecord, sync } from './topic.mjs'

const tree = 'shop.item'
const topic = 'shop.item/all'
const gossip = `/netabase/topic/${topic}`

// The items that are held, by their keys as text: the value and the id.
const held = new Map()

async function id ({ key, value }) {
  const primary = new Uint8Array(8)
  new DataView(primary.buffer).setBigUint64(0, BigInt(key))
  return toString(await sha256(concat([varint.encode(primary.length), primary, value])), 'base16')
}

// Keeps a record, and returns whether it is as good as the one that is held.
async function take (record) {
  const key = fromString(`/${tree}/${record.key}`)
  validate(key, record.value)
  const item = { value: record.value, id: await id(record) }
  const before = held.get(record.key)
  if (before != null && select(key, [before.value, item.value]) === 0) return item.id === before.id
  held.set(record.key, item)
  return true
}

const at = (key) => held.has(key) ? { key, value: held.get(key).value } : undefined

const set = {
  ids: () => [...held.values()].map(({ id }) => id),
  id,
  take,
  at,
  record: (id) => {
    for (const [key, item] of held) if (item.id === id) return at(key)
  },
  behind: (key) => [...held.keys()].filter((other) => other > key).sort().map(at)
}

async function begin () {
  const { node, commands } = await start({
    transports: [webSockets(), webTransport()],
    connectionGater: { denyDialMultiaddr: () => false } // else no addresses of loopback are dialled
  }, {
    pubsub: gossipsub({
      globalSignaturePolicy: StrictNoSign,
      msgIdFn: ({ topic, data }) => sha256(concat([fromString(topic), Uint8Array.of(0), data])),
      allowPublishToZeroTopicPeers: true
    })
  })

  const { pubsub } = node.services
  pubsub.topicValidators.set(gossip, async (peer, message) => {
    try {
      return await take(decodeRecord(message.data)) ? 'accept' : 'ignore'
    } catch {
      return 'reject'
    }
  })
  pubsub.subscribe(gossip)
  await answer(node, topic, set)

  Object.assign(commands, {
    self: () => node.peerId.toString(),

    // How many peers gossip the topic.
    gossips: () => pubsub.getSubscribers(gossip).length,

    // Keeps an item, and tells others of it.
    publish: async ({ item }) => {
      const record = { key: keyText(item.id), value: dagCBOR.encode(item) }
      await take(record)
      const { recipients } = await pubsub.publish(gossip, encodeRecord(record))
      return recipients.length
    },

    // Tells others of an item that lies under another's key.
    publishForged: async ({ item, id }) => {
      const forged = encodeRecord({ key: keyText(id), value: dagCBOR.encode(item) })
      const { recipients } = await pubsub.publish(gossip, forged)
      return recipients.length
    },

    // Keeps an item, and tells nobody.
    hold: async ({ item }) => take({ key: keyText(item.id), value: dagCBOR.encode(item) }),

    sync: ({ way }) => sync(node, node.getPeers()[0], topic, set, direction[way]),

    // The items that are held, in the order of their keys.
    held: () => [...held.keys()].sort().map((key) => dagCBOR.decode(held.get(key).value))
  })

  return commands
}

const begun = begin()
globalThis.run = async (command) => (await begun)[command.do](command)
