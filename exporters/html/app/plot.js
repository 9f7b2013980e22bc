// SPDX-License-Identifier: Apache-2.0
// The marks that the charts are made of; what is not named here is not in the bundle.
export {
  areaY,
  axisX,
  axisY,
  barX,
  cell,
  dot,
  gridX,
  gridY,
  line,
  link,
  pointer,
  pointerX,
  pointerY,
  rect,
  ruleX,
  ruleY,
  text,
  tickX,
  tickY,
  tip,
} from "@observablehq/plot";
