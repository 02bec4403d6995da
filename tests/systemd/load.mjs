// load.mjs PATH: four clients which ask http://127.0.0.1PATH over and over until SIGTERM. What they have seen so far is
// printed now and then, and at the end, as a line {"asked": N, "failures": {"what": N}}; all but 200 is a failure.
import http from 'node:http';

const kClients = 4;
const kPauseMs = 5;
const kReportEvery = 20;

const agent = new http.Agent({ keepAlive: true, maxSockets: kClients });
const seen = { asked: 0, failures: {} };
const report = () => console.log(JSON.stringify(seen));
let over = false;
process.once('SIGTERM', () => { over = true; });

const ask = (path) => new Promise((resolve) => {
  const request = http.get({ host: '127.0.0.1', path, agent, timeout: 5000 }, (response) => {
    response.resume();
    response.once('end', () => resolve(response.statusCode));
    response.once('error', (error) => resolve(error.code));
  });
  request.once('timeout', () => request.destroy(Object.assign(new Error(), { code: 'timeout' })));
  request.once('error', (error) => resolve(error.code));
});

function count(outcome) {
  seen.asked += 1;
  if (outcome !== 200) seen.failures[outcome] = (seen.failures[outcome] ?? 0) + 1;
  if (seen.asked % kReportEvery === 0) report();
}

async function client(path) {
  while (!over) {
    count(await ask(path));
    await new Promise((resolve) => setTimeout(resolve, kPauseMs));
  }
}

await Promise.all(Array.from({ length: kClients }, () => client(process.argv[2])));
agent.destroy();
report();
