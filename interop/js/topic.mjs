// Topics as docs/sync.md specifies them: the side of a session that pulls, and
// records as they travel. Ids are compared by an implementation of Negentropy that
// is not ours, the one of nostr-tools.
import { byteStream } from '@libp2p/utils'
import { Negentropy, NegentropyStorageVector } from 'negentropy'
import * as varint from 'uint8-varint'
import { concat } from 'uint8arrays/concat'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'

const protocol = '/netabase/sync/1.0.0'

const kind = {
  open: 1, reconcile: 2, want: 3, end: 6, record: 7, none: 8, later: 9, fail: 12, list: 13, listed: 14
}

const pulling = Uint8Array.of(1)
const maxWant = 4096
const maxMessage = 1 << 21

// The bytes of a record: key is its text.
export const encodeRecord = ({ key, value }) => {
  const text = fromString(key)
  return concat([varint.encode(text.length), text, varint.encode(0), varint.encode(0), value])
}

export function decodeRecord (data) {
  let at = 0
  const number = () => {
    const n = varint.decode(data, at)
    at += varint.encodingLength(n)
    return n
  }
  const bytes = (length) => {
    if (length > data.length - at) throw new Error('the record is cut short')
    return data.subarray(at, at += length)
  }
  const key = toString(bytes(number()))
  const age = number()
  const more = bytes(number())
  return { key, age, more, value: data.subarray(at) }
}

// Opens a session, and returns a function for its turns and one to end it.
async function open (node, peer) {
  const stream = await node.dialProtocol(peer, protocol)
  const bytes = byteStream(stream)
  const read = async () => {
    let length = 0
    for (let shift = 0; ; shift += 7) {
      if (shift > 21) throw new Error('a length is too long')
      const [byte] = (await bytes.read({ bytes: 1 })).subarray()
      length |= (byte & 127) << shift
      if (byte < 128) break
    }
    if (length < 1 || length > maxMessage) throw new Error(`a message has ${length} bytes`)
    const message = (await bytes.read({ bytes: length })).subarray()
    return { kind: message[0], body: message.subarray(1) }
  }

  // Writes a turn, and reads the other side's.
  async function turn (messages) {
    const frames = [...messages, [kind.end]].map(([kind, ...bodies]) => {
      const message = concat([Uint8Array.of(kind), ...bodies])
      return concat([varint.encode(message.length), message])
    })
    await bytes.write(concat(frames))
    const answers = []
    while (true) {
      const message = await read()
      if (message.kind === kind.end) return answers
      if (message.kind === kind.fail) throw new Error(`cause ${message.body[0]}: ${toString(message.body.subarray(1))}`)
      answers.push(message)
    }
  }
  return { turn, close: () => stream.close() }
}

// Brings the rows of a topic that a peer has and this side lacks. Set has the ids of
// the records that are held, as hex, an id of a record, and take, which checks and
// keeps one. It returns what was done.
export async function pull (node, peer, topic, set) {
  const done = { turns: 0, listed: 0, wanted: 0 }
  const session = await open(node, peer)
  let opening = [[kind.open, pulling, fromString(topic)]]
  const turn = (messages) => {
    done.turns++
    messages = [...opening, ...messages]
    opening = []
    return session.turn(messages)
  }

  // Without a row of the topic there are no ids to compare.
  for (let behind = ''; set.ids().length === 0 || behind !== '';) {
    const answers = await turn([[kind.list, fromString(behind)]])
    const listed = answers.pop()
    if (listed?.kind !== kind.listed) throw new Error('a list has no end')
    for (const answer of answers) {
      if (answer.kind !== kind.record) throw new Error(`a list has a message of the kind ${answer.kind}`)
      await set.take(decodeRecord(answer.body))
      done.listed++
    }
    const next = toString(listed.body.subarray(varint.encodingLength(varint.decode(listed.body))))
    if (next === '') break
    if (next <= behind) throw new Error('a list goes back')
    behind = next
  }

  const storage = new NegentropyStorageVector()
  for (const id of set.ids()) storage.insert(0, id)
  storage.seal()
  const compared = new Negentropy(storage)
  let message = compared.initiate()
  const need = new Set()
  while (message != null || need.size > 0) {
    const wanted = [...need].slice(0, maxWant)
    const messages = []
    if (wanted.length > 0) messages.push([kind.want, ...wanted.map((id) => fromString(id, 'base16'))])
    if (message != null) messages.push([kind.reconcile, fromString(message, 'base16')])
    const answers = await turn(messages)
    for (const id of wanted) {
      const answer = answers.shift()
      if (answer?.kind === kind.later) continue
      if (answer?.kind === kind.record) {
        const record = decodeRecord(answer.body)
        if (await set.id(record) !== id) throw new Error('a record was not asked for')
        await set.take(record)
        done.wanted++
      } else if (answer?.kind !== kind.none) {
        throw new Error('an id has no answer')
      }
      need.delete(id)
    }
    if (message != null) {
      const answer = answers.shift()
      if (answer?.kind !== kind.reconcile) throw new Error('a comparison has no answer')
      message = compared.reconcile(toString(answer.body, 'base16'), () => {}, (id) => need.add(id))
    }
    if (answers.length > 0) throw new Error('a turn has more messages')
  }
  await session.close()
  return done
}
