// Dots that travel along the links, one for each record that goes from a peer to another.
import { along, type Point } from "./geometry";

/** More dots than this at a time tell nothing more: the others are not drawn. */
const most = 120;

const travel = 900; // ms

const svg = "http://www.w3.org/2000/svg";

interface Dot {
  element: SVGCircleElement;
  from: Point;
  to: Point;
  began: number;
}

export class Dots {
  private dots: Dot[] = [];
  private spare: SVGCircleElement[] = [];
  private frame = 0;

  constructor(private readonly layer: SVGGElement) {}

  send(from: Point, to: Point, kind: string): void {
    if (this.dots.length >= most || document.hidden) return;
    const element = this.spare.pop() ?? document.createElementNS(svg, "circle");
    element.setAttribute("class", `dot ${kind}`);
    element.setAttribute("r", "5");
    this.dots.push({ element, from, to, began: performance.now() });
    this.move(performance.now());
    this.layer.append(element);
    this.frame ||= requestAnimationFrame(this.step);
  }

  clear(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    for (const dot of this.dots) dot.element.remove();
    this.dots = [];
  }

  private step = (now: number) => {
    this.move(now);
    this.frame = this.dots.length > 0 ? requestAnimationFrame(this.step) : 0;
  };

  private move(now: number): void {
    this.dots = this.dots.filter((dot) => {
      const t = Math.max(0, (now - dot.began) / travel);
      if (t >= 1) {
        dot.element.remove();
        this.spare.push(dot.element);
        return false;
      }
      const p = along(dot.from, dot.to, t < 0.5 ? 2 * t * t : 1 - 2 * (1 - t) * (1 - t));
      dot.element.setAttribute("cx", p.x.toFixed(1));
      dot.element.setAttribute("cy", p.y.toFixed(1));
      return true;
    });
  }
}
