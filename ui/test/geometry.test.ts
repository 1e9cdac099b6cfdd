import { describe, expect, it } from "vitest";
import { axis, bands, barsPath, heights, labelled, spark, stack, steps } from "../src/chart/geometry";

const frame = { width: 100, height: 60, left: 0, right: 0, top: 0, bottom: 10 };

describe("axes", () => {
  it("start at zero, hold the largest value and have round steps", () => {
    expect(axis(1098)).toEqual({ top: 1200, ticks: [0, 200, 400, 600, 800, 1000, 1200] });
    expect(axis(0).top).toBe(1);
    expect(heights(frame, 100)(0)).toBe(50);
    expect(heights(frame, 100)(100)).toBe(0);
  });
});

describe("stacks", () => {
  it("put each series on the one before", () => {
    expect(
      stack([
        [1, 2],
        [3, 0],
      ]),
    ).toEqual([
      [
        [0, 1],
        [0, 2],
      ],
      [
        [1, 4],
        [2, 2],
      ],
    ]);
  });

  it("draw one path per series, skip empty segments and round only the topmost", () => {
    const edges = stack([
      [10, 20],
      [5, 0],
    ]);
    const band = bands(frame, 2);
    const y = heights(frame, 25);
    const bottom = barsPath(edges, 0, [0, 1], band, y);
    const top = barsPath(edges, 1, [0, 1], band, y);
    expect(bottom.match(/M/g)).toHaveLength(2);
    expect(bottom.match(/Q/g)).toHaveLength(2);
    expect(top.match(/M/g)).toHaveLength(1);
  });
});

describe("bands", () => {
  it("find the bar under the pointer and stay inside the plot", () => {
    const band = bands(frame, 10);
    expect([0, 9].map((index) => band.at(band.x(index) + 1))).toEqual([0, 9]);
    expect(band.at(-50)).toBe(0);
    expect(band.at(500)).toBe(9);
  });

  it("label from the last bar back, with room", () => {
    expect(labelled(30, 20, 68)).toEqual([1, 5, 9, 13, 17, 21, 25, 29]);
  });
});

describe("sparklines", () => {
  it("leave a gap at an unknown value and dash the unfinished end", () => {
    const paths = spark([1, null, 2, 3, 4], { width: 80, height: 20 }, true, true);
    expect(paths.line.match(/M/g)).toHaveLength(2);
    expect(paths.tail).toMatch(/^M.*L/);
  });
});

describe("steps of a waterfall", () => {
  it("begin where the last one ended, and the last ends at the other total", () => {
    const [from, up, down, to] = steps(100, [20, -10], 110);
    expect(from?.start).toBe(0);
    expect(up?.start).toBeCloseTo(from?.width ?? 0);
    expect((down?.start ?? 0) + (down?.width ?? 0)).toBeCloseTo((up?.start ?? 0) + (up?.width ?? 0));
    expect(to?.width).toBeCloseTo(down?.start ?? 0);
  });
  it("show small steps between large totals, and never leave the chart", () => {
    const bars = steps(10_000, [1, -2, 0.5], 9_999.5);
    expect(bars[1]?.width).toBeGreaterThan(10);
    for (const bar of bars) {
      expect(bar.start).toBeGreaterThanOrEqual(0);
      expect(bar.start + bar.width).toBeLessThanOrEqual(100.5);
    }
    expect(steps(0, [], 0)).toHaveLength(2);
  });
});
