/* A film: what there is to see at each moment, put together from changes (src/hugeresv/play/film.py says of what kind). */

const CHECKPOINT = 200;

class Track {
  constructor(data, states) {
    Object.assign(this, data);
    this.states = states;
    this.checkpoints = [[]];
    this.pools = this.poolsOverTime();
  }

  get length() {
    return this.moments.length;
  }

  /* Everything at a moment and at the one before: values by the number of their thing. */
  at(index) {
    const last = Math.min(index, this.length - 1);
    let before = this.values(Math.max(last - 1, 0));
    const now = before.slice();
    if (last > 0) this.apply(now, this.moments[last].changes);
    return { now, before, moment: this.moments[last], previous: this.moments[last - 1] };
  }

  values(index) {
    let number = Math.min(Math.floor(index / CHECKPOINT), this.checkpoints.length - 1);
    let at = number * CHECKPOINT;
    const values = this.checkpoints[number].slice();
    if (number === 0) this.apply(values, this.moments[0].changes);
    while (at < index) {
      this.apply(values, this.moments[++at].changes);
      if (at % CHECKPOINT === 0) this.checkpoints[at / CHECKPOINT] = values.slice();
    }
    return values;
  }

  apply(values, changes) {
    for (const [thing, ...change] of changes) {
      if (change.length === 0) {
        values[thing] = undefined;
      } else if (change.length === 1) {
        values[thing] = change[0];
      } else {
        const [start, removed, inserted] = change;
        values[thing] = values[thing].slice(0, start).concat(inserted, values[thing].slice(start + removed));
      }
    }
  }

  /* total, free, rsvd, surp of the first pool at every moment. */
  poolsOverTime() {
    const pool = this.things.findIndex(([kind]) => kind === "pool");
    let now = null;
    return this.moments.map(({ changes }) => {
      for (const [thing, value] of changes) if (thing === pool) now = value;
      return now;
    });
  }

  wrongAt(index) {
    const moment = this.moments[index];
    return Boolean(moment && moment.wrong);
  }
}

/* Things of one kind that are there: [their names, value, value at the moment before]. */
function* thingsOf(track, { now, before }, kind) {
  for (let thing = 0; thing < track.things.length; thing++) {
    if (track.things[thing][0] === kind && now[thing] !== undefined) {
      yield [track.things[thing].slice(1), now[thing], before[thing]];
    }
  }
}

/* One thing by its name. */
function valueOf(track, values, ...name) {
  const wanted = name.join("\u0000");
  if (!track.numbers) track.numbers = new Map(track.things.map((thing, number) => [thing.join("\u0000"), number]));
  return values[track.numbers.get(wanted)];
}

/* Runs [first, end, state] of [state, pages, …]. */
function runsOf(flat) {
  const runs = [];
  let at = 0;
  for (let i = 0; i < flat.length; i += 2) {
    runs.push([at, at + flat[i + 1], flat[i]]);
    at += flat[i + 1];
  }
  return runs;
}

/* Ranges of pages that are in another state than before; none of a mapping that was not there. */
function changedPages(flat, before) {
  if (before === undefined || before === flat) return [];
  const ranges = [];
  const old = runsOf(before);
  let o = 0;
  for (const [first, end, state] of runsOf(flat)) {
    let at = first;
    while (at < end) {
      while (o < old.length && old[o][1] <= at) o++;
      const stop = o < old.length ? Math.min(end, old[o][1]) : end;
      if (o >= old.length || old[o][2] !== state) {
        const last = ranges[ranges.length - 1];
        if (last && last[1] === at) last[1] = stop;
        else ranges.push([at, stop]);
      }
      at = stop;
    }
  }
  return ranges;
}

function pairs(flat) {
  const found = [];
  for (let i = 0; i < flat.length; i += 2) found.push([flat[i], flat[i + 1]]);
  return found;
}
