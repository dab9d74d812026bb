// js-libp2p 3 is written for Node 22, which has Promise.withResolvers. This lets it
// run on Node 20.
Promise.withResolvers ??= function () {
  let resolve, reject
  const promise = new Promise((res, rej) => { resolve = res; reject = rej })
  return { promise, resolve, reject }
}
