// The part of iso-random-stream that interface-datastore-tests uses. The package itself needs Node's buffer.
export const randomBytes = (size) => crypto.getRandomValues(new Uint8Array(size))
