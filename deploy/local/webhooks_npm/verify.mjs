// Verifies webhooks: a line of JSON in ({secret, headers, body, now}), a line of JSON out (null, or
// the reason). `now`, in seconds, is the clock by which the age of the message is judged.
import { createInterface } from "node:readline";
import { Webhook } from "standardwebhooks";

const readClock = Date.now;
for await (const line of createInterface({ input: process.stdin })) {
  const { secret, headers, body, now } = JSON.parse(line);
  Date.now = now === null ? readClock : () => now * 1000;
  let reason = null;
  try {
    new Webhook(secret).verify(body, headers);
  } catch (error) {
    reason = error.message || error.name;
  }
  process.stdout.write(JSON.stringify(reason) + "\n");
}
