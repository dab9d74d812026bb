// Topics as docs/sync.md specifies them: both sides of a session, and records as they
// travel. The initiator compares ids by an implementation of Negentropy that is not
// ours, the one of nostr-tools; it has no responder, for which see negentropy.mjs.
//
// A set has ids() of the records that are held, as hex; id(record); record(id) and
// at(key), which give a record or undefined; behind(key), which gives those with larger
// keys in their order; and take(record), which checks and keeps one, and returns
// whether it is as good as what was held.
import { byteStream } from '@libp2p/utils'
import { Negentropy, NegentropyStorageVector } from 'negentropy'
import * as varint from 'uint8-varint'
import { concat } from 'uint8arrays/concat'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import { respond } from './negentropy.mjs'

const protocol = '/netabase/sync/1.0.0'

const kind = {
  open: 1,
  reconcile: 2,
  want: 3,
  offer: 4,
  ask: 5,
  end: 6,
  record: 7,
  none: 8,
  later: 9,
  verdict: 10,
  better: 11,
  fail: 12,
  list: 13,
  listed: 14
}

export const direction = { pull: 1, push: 2, both: 3 }

const taken = 0
const old = 1
const invalid = 6
const noTopic = 1
const misbehaved = 4

const maxWant = 4096
const maxOffers = 1024
const maxList = 4096
const maxTurn = 1 << 20
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

// The turns of a stream: read gives the messages of one, and write writes one.
function turns (stream) {
  const bytes = byteStream(stream)
  const message = async () => {
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
  return {
    async read () {
      const messages = []
      while (true) {
        const next = await message()
        if (next.kind === kind.end) return messages
        if (next.kind === kind.fail) throw new Error(`cause ${next.body[0]}: ${toString(next.body.subarray(1))}`)
        messages.push(next)
      }
    },
    write: (messages) => bytes.write(concat([...messages, [kind.end]].map(([kind, ...bodies]) => {
      const message = concat([Uint8Array.of(kind), ...bodies])
      return concat([varint.encode(message.length), message])
    })))
  }
}

// Brings a topic of a peer and a set together, as far as the direction says. It
// returns what was done.
export async function sync (node, peer, topic, set, way) {
  const done = { turns: 0, listed: 0, wanted: 0, offered: 0 }
  const stream = await node.dialProtocol(peer, protocol)
  const { read, write } = turns(stream)
  let opening = [[kind.open, Uint8Array.of(way), fromString(topic)]]
  const turn = async (messages) => {
    done.turns++
    await write([...opening, ...messages])
    opening = []
    return read()
  }

  // Without a row of the topic there are no ids to compare.
  for (let behind = ''; (way & direction.pull) && (set.ids().length === 0 || behind !== '');) {
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
  const have = new Set()
  while (message != null || need.size > 0 || have.size > 0) {
    const messages = []
    let size = 0
    for (const id of have) {
      if (messages.length === maxOffers || size >= maxTurn) break
      have.delete(id)
      const record = set.record(id)
      if (record == null) continue // it has been replaced
      const body = encodeRecord(record)
      size += body.length
      messages.push([kind.offer, body])
    }
    const offered = messages.length
    const wanted = [...need].slice(0, maxWant)
    if (wanted.length > 0) messages.push([kind.want, ...wanted.map((id) => fromString(id, 'base16'))])
    if (message != null) messages.push([kind.reconcile, fromString(message, 'base16')])
    if (messages.length === 0) break
    const answers = await turn(messages)
    for (let i = 0; i < offered; i++) {
      const answer = answers.shift()
      if (answer?.kind === kind.better) await set.take(decodeRecord(answer.body))
      else if (answer?.kind !== kind.verdict) throw new Error('an offer has no answer')
      else if (answer.body[0] === taken) done.offered++
    }
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
      message = compared.reconcile(toString(answer.body, 'base16'),
        (id) => { if (way & direction.push) have.add(id) },
        (id) => { if (way & direction.pull) need.add(id) })
    }
    if (answers.length > 0) throw new Error('a turn has more messages')
  }
  await stream.close()
  return done
}

// Answers peers that begin a session about a topic.
export function answer (node, topic, set) {
  return node.handle(protocol, async (stream) => {
    const { read, write } = turns(stream)
    try {
      for (let first = true; ; first = false) {
        const turn = await read()
        if (first) {
          const { kind: opening, body } = turn.shift() ?? {}
          const ends = opening !== kind.open ? misbehaved : toString(body.subarray(1)) !== topic ? noTopic : 0
          if (ends !== 0) {
            await write([[kind.fail, Uint8Array.of(ends)]])
            break
          }
        }
        await write(await answers(turn, set))
      }
      await stream.close()
    } catch (error) {
      stream.abort(error) // or the other side has ended the session
    }
  })
}

// Gives the responder's turn for an initiator's.
async function answers (turn, set) {
  const messages = []
  let size = 0
  const give = (record) => {
    if (record == null) return [kind.none]
    if (size >= maxTurn) return [kind.later]
    const body = encodeRecord(record)
    size += body.length
    return [kind.record, body]
  }
  const of = (wanted) => turn.filter(({ kind }) => kind === wanted).map(({ body }) => body)
  for (const body of of(kind.offer)) {
    try {
      const record = decodeRecord(body)
      if (await set.take(record)) {
        messages.push([kind.verdict, Uint8Array.of(taken)])
      } else {
        const held = set.at(record.key)
        messages.push(held == null ? [kind.verdict, Uint8Array.of(old)] : [kind.better, encodeRecord(held)])
      }
    } catch {
      messages.push([kind.verdict, Uint8Array.of(invalid)])
    }
  }
  for (const body of of(kind.want)) {
    for (let at = 0; at < body.length; at += 32) {
      messages.push(give(set.record(toString(body.subarray(at, at + 32), 'base16'))))
    }
  }
  for (const body of of(kind.ask)) messages.push(give(set.at(toString(body))))
  for (const body of of(kind.reconcile)) messages.push([kind.reconcile, await respond(set.ids(), body)])
  for (const body of of(kind.list)) {
    let last = ''
    for (const [i, record] of set.behind(toString(body)).entries()) {
      if (i === maxList || size >= maxTurn) break
      messages.push(give(record))
      last = record.key
    }
    messages.push([kind.listed, varint.encode(set.ids().length), fromString(last)])
  }
  return messages
}
