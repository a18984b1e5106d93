"""The sweep of bench/sweep.ts as one hand-written loop a contract and day: cleaned and rolled once, then every set."""
import argparse, time
import numpy as np, pyarrow as pa, pyarrow.parquet as pq, numba as nb
from reporting import files, report

# --- user code
OPEN_NS, N = 33300 * 10**9, 22500


@nb.njit(cache=True, nogil=True)
def seconds(ts, volume):
    vol = np.zeros(N, np.int64)
    have = False; prev_ts = np.int64(-1); prev_v = np.int64(0); first = N
    base = (ts[0] + 19800 * 10**9) // (86400 * 10**9) * (86400 * 10**9) - 19800 * 10**9 + OPEN_NS if len(ts) else 0
    for i in range(len(ts)):
        r = ts[i] - base
        if r < 0 or r >= N * 10**9 or (have and ts[i] == prev_ts):
            continue
        s = r // 10**9
        if have and volume[i] > prev_v:
            vol[s] += volume[i] - prev_v
        prev_ts = ts[i]; prev_v = volume[i]; have = True
    return vol


@nb.njit(cache=True, nogil=True)
def rolled(vol, window, baseline, burst, usual):
    short = 0; long = 0
    for s in range(N):
        short += vol[s]; long += vol[s]
        if s >= window: short -= vol[s - window]
        if s >= baseline: long -= vol[s - baseline]
        burst[s] = short
        usual[s] = (long / baseline) * window if s >= baseline - 1 else np.nan


@nb.njit(cache=True, nogil=True)
def edges(burst, usual, multipliers, floors, counts, at):
    for m in range(len(multipliers)):
        for f in range(len(floors)):
            was = False; k = 0; multiplier = multipliers[m]; floor = floors[f]
            for s in range(N):
                on = burst[s] > multiplier * usual[s] and burst[s] >= floor
                if on and not was: k += 1
                was = on
            counts[at + m * len(floors) + f] += k


def run(paths, multipliers, floors, baselines):
    burst, usual = np.empty(N), np.empty(N)
    counts = np.zeros(len(multipliers) * len(floors) * len(baselines), np.int64)
    ticks = 0
    for p in paths:
        t = pq.ParquetFile(p).read(columns=["ts", "volume"], use_threads=False)
        ts, v = (t[x].combine_chunks() for x in ("ts", "volume"))
        vol = seconds(ts.cast(pa.int64()).to_numpy(), v.to_numpy())
        for b, baseline in enumerate(baselines):
            rolled(vol, 30, baseline, burst, usual)
            edges(burst, usual, multipliers, floors, counts, b * len(multipliers) * len(floors))
        ticks += t.num_rows
    return counts, ticks
# --- end


def numbers(text):
    return np.array([float(x) for x in text.split(",")])


if __name__ == "__main__":
    ap = argparse.ArgumentParser(); ap.add_argument("lake"); ap.add_argument("--multipliers", type=numbers); ap.add_argument("--floors", type=numbers); ap.add_argument("--baselines", type=numbers)
    A = ap.parse_args()
    pa.set_cpu_count(1); pa.set_io_thread_count(1)
    fs = files(A.lake); baselines = [int(b) for b in A.baselines]
    run(fs[:1], A.multipliers, A.floors, baselines)  # load the compiled kernels before the clock, as an import would be
    c0, t0 = time.process_time(), time.perf_counter()
    counts, ticks = run(fs, A.multipliers, A.floors, baselines)
    report("sweep_numba", ticks, time.perf_counter() - t0, None, 0.0, cpu=round(time.process_time() - c0, 3), counts=counts.tolist())
