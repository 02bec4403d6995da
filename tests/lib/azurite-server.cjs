// Azurite's blob service as its own script starts it, and a unix socket by which its accounts' keys change at once. By
// itself it looks at AZURITE_ACCOUNTS in its own environment only, once a minute: no key could be regenerated.
const { createServer } = require('node:net');
const { default: AccountDataStore } = require('azurite/dist/src/common/AccountDataStore.js');

// Whoever connects sends the new value of AZURITE_ACCOUNTS and is told when it holds.
const listen = (store) => createServer({ allowHalfOpen: true }, (socket) => {
  const chunks = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('end', () => {
    process.env.AZURITE_ACCOUNTS = Buffer.concat(chunks).toString();
    store.refresh();
    socket.end('done');
  });
}).listen(process.env.AZURITE_CONTROL).unref();

const { init } = AccountDataStore.prototype;
AccountDataStore.prototype.init = function initAndListen() {
  listen(this);
  return init.call(this);
};

require('azurite/dist/src/blob/main.js');
