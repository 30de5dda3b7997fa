// Loaded by Node before the program of a server that LocalStack starts (its Kinesis), which would listen on every
// interface: what is to be reached through LocalStack alone listens on loopback.
"use strict";

const net = require("node:net");

const LOOPBACK = "127.0.0.1";
const EVERYWHERE = new Set([undefined, null, "", "0.0.0.0", "::"]);
const listen = net.Server.prototype.listen;

// The forms of listen: ({port, host, ...}, callback), (port, host, backlog, callback), where all but the port may
// be left out; (path) and (handle) have no host.
net.Server.prototype.listen = function (first, ...rest) {
  if (first !== null && typeof first === "object" && first.port !== undefined) {
    if (EVERYWHERE.has(first.host)) first = { ...first, host: LOOPBACK };
  } else if (typeof first === "number" || /^\d+$/.test(String(first))) {
    if (rest.length > 0 && EVERYWHERE.has(rest[0])) rest[0] = LOOPBACK;
    else if (typeof rest[0] !== "string") rest.unshift(LOOPBACK);
  }
  return listen.call(this, first, ...rest);
};
