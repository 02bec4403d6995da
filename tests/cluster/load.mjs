// load.mjs PORT PATH CLIENTS: so many clients which ask http://127.0.0.1:PORT/PATH over and over until SIGTERM. What they have
// seen so far is printed now and then, and at the end, as a line {"asked": N, "answers": {"200": N}, "slowest": ms,
// "clients": [how many answers each has had]}.
import http from 'node:http';

const [port, path, clients] = process.argv.slice(2);
const kPauseMs = 4;
const kReportEveryMs = 100;

const agent = new http.Agent({ keepAlive: true, maxSockets: Number(clients) });
const seen = { asked: 0, answers: {}, slowest: 0, clients: Array(Number(clients)).fill(0) };
const report = () => console.log(JSON.stringify(seen));
let over = false;
process.once('SIGTERM', () => { over = true; });

const ask = () => new Promise((resolve) => {
  const request = http.get({ host: '127.0.0.1', port, path, agent, timeout: 30_000 }, (response) => {
    response.resume();
    response.once('end', () => resolve(response.statusCode));
    response.once('error', (error) => resolve(error.code));
  });
  request.once('timeout', () => request.destroy(Object.assign(new Error(), { code: 'timeout' })));
  request.once('error', (error) => resolve(error.code));
});

async function client(number) {
  while (!over) {
    const start = performance.now();
    const outcome = await ask();
    seen.asked += 1;
    seen.clients[number] += 1;
    seen.answers[outcome] = (seen.answers[outcome] ?? 0) + 1;
    seen.slowest = Math.max(seen.slowest, Math.round(performance.now() - start));
    await new Promise((resolve) => setTimeout(resolve, kPauseMs));
  }
}

const reports = setInterval(report, kReportEveryMs);
await Promise.all(seen.clients.map((_, number) => client(number)));
clearInterval(reports);
agent.destroy();
report();
