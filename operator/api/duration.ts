// Durations as Go and Kubernetes write them.
import { text, withRules } from "./rule.ts";

const parts = /([0-9]+)(h|m|s)/g;
const seconds = { h: 3600, m: 60, s: 1 };
const durationPattern = /^([0-9]{1,5}(h|m|s)){1,4}$/;

/** A duration such as `720h` or `1h30m`, refused with `message`. */
export const goDuration = (message: string) => text(durationPattern.source, message, 32);

/** Length of a duration such as `720h` or `1h30m`, in seconds. */
export const durationSeconds = (value: string) =>
  [...value.matchAll(parts)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * seconds[unit as "h" | "m" | "s"],
    0,
  );

/** How often keys or passwords are renewed. */
export const rotateEvery = withRules(
  goDuration("rotateEvery is a duration in hours, minutes and seconds, such as 720h or 1h30m"),
  {
    cel: `!self.matches('${durationPattern.source}') || duration(self) >= duration('1m')`,
    message: "rotateEvery must be a minute or more: every rotation is two rollouts",
    holds: (value) => !durationPattern.test(value) || durationSeconds(value) >= 60,
  },
);
