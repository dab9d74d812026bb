// The peer of shop.mjs in a web page, which keeps the rows of two topics by gossip and
// by sync, both ways. Tests call run with commands, about items unless another tree is given.
import * as dagCBOR from '@ipld/dag-cbor'
import { gossipsub, StrictNoSign } from '@libp2p/gossipsub'
import { webSockets } from '@libp2p/websockets'
import { webTransport } from '@libp2p/webtransport'
import { concat } from 'uint8arrays/concat'
import { fromString } from 'uint8arrays/from-string'
import { newSet } from './set.mjs'
import { items, keyText, notices, sha256, start } from './shop.mjs'
import { answer, decodeRecord, direction, encodeRecord, sync } from './topic.mjs'

const gossip = (topic) => `/netabase/topic/${topic}`

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
  const topics = new Map() // the sets, by the names of topics
  for (const rules of [items, notices]) {
    const topic = `${rules.tree}/all`
    const set = newSet(rules)
    topics.set(topic, set)
    pubsub.topicValidators.set(gossip(topic), async (peer, message) => {
      try {
        return await set.take(decodeRecord(message.data)) === 'taken' ? 'accept' : 'ignore'
      } catch {
        return 'reject'
      }
    })
    pubsub.subscribe(gossip(topic))
  }
  await answer(node, topics)

  const of = ({ topic = 'shop.item/all' }) => topics.get(topic)
  // Tells others of a record, and gives how many.
  const tell = async ({ topic = 'shop.item/all' }, record) => {
    const { recipients } = await pubsub.publish(gossip(topic), encodeRecord(record))
    return recipients.length
  }

  Object.assign(commands, {
    self: () => node.peerId.toString(),

    // How many peers gossip the topic.
    gossips: ({ topic = 'shop.item/all' }) => pubsub.getSubscribers(gossip(topic)).length,

    // Keeps an item, and tells others of it.
    publish: async (command) => {
      const record = of(command).own(command.item)
      await of(command).take(record)
      return tell(command, record)
    },

    // Tells others of an item that lies under another's key.
    publishForged: (command) => tell(command, { key: keyText(command.id), value: dagCBOR.encode(command.item) }),

    // Keeps an item, and tells nobody.
    hold: async (command) => await of(command).take(of(command).own(command.item)) === 'taken',

    // Deletes a row, and tells others or nobody.
    delete: async (command) => {
      const tombstone = of(command).bury(keyText(command.id))
      if (command.tell) await tell(command, tombstone)
    },

    // Has so many seconds pass by this peer's clock.
    pass: (command) => of(command).pass(command.seconds),

    sync: (command) => {
      const { topic = 'shop.item/all', way } = command
      return sync(node, node.getPeers()[0], topic, of(command), direction[way])
    },

    // The rows that are held, in the order of their keys.
    held: (command) => of(command).rows()
  })

  return commands
}

const begun = begin()
globalThis.run = async (command) => (await begun)[command.do](command)
