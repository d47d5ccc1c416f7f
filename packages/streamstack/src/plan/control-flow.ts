import type { Label, RegionTarget } from '../functions/index.ts'
import { leaveFinally } from '../run/index.ts'
import type { ProgramCode } from './program-code.ts'

export interface LoopTargets {
  onBreak: Label
  onContinue: Label
}

interface OpenLoop {
  targets: LoopTargets
  /** Regions that are open outside the loop; null: the loop is outside the branch, out of reach. */
  regionDepth: number | null
}

/** What surrounds the place that is being compiled. */
type OpenRegion = RegionTarget | { kind: 'inside-finally'; completionSlot: number }

/** The loops and regions around the place that is compiled, and the ops that leave them. */
export class ControlFlow {
  readonly #code: ProgramCode
  /** In a function file, but not in a branch of Parallel: the other branches would continue. */
  #mayReturn: boolean
  readonly #functionEnd: Label = { pc: -1 }
  #loops: OpenLoop[] = []
  #openRegions: OpenRegion[] = []

  constructor(code: ProgramCode, isFunctionFile: boolean) {
    this.#code = code
    this.#mayReturn = isFunctionFile
  }

  /** Places the end of the function file, where Return leaves to. */
  placeEnd(): void {
    this.#code.place(this.#functionEnd)
  }

  /** Compiles the body of a loop, whose targets Break and Continue go to. */
  loop(targets: LoopTargets, body: () => void): void {
    this.#loops.push({ targets, regionDepth: this.#openRegions.length })
    body()
    this.#loops.pop()
  }

  /** As `Compiler.guarded`. */
  guarded(region: RegionTarget, body: () => void): void {
    const index = this.#code.regions.length
    const { at } = region
    this.#code.regions.push(
      region.kind === 'catch'
        ? {
            kind: 'catch',
            get pc() {
              return at.pc
            },
            errorSlot: region.errorSlot,
          }
        : {
            kind: 'finally',
            get pc() {
              return at.pc
            },
            completionSlot: region.completionSlot,
          },
    )
    this.#code.emit((frame) => {
      frame.regions.push(index)
    })
    this.#openRegions.push(region)
    body()
    this.#openRegions.pop()
    this.#code.emit((frame) => {
      frame.regions.pop()
    })
  }

  /** As `Compiler.finallyBlock`. */
  finallyBlock(completionSlot: number, body: () => void): void {
    this.#openRegions.push({ kind: 'inside-finally', completionSlot })
    body()
    this.#openRegions.pop()
  }

  /** As `Compiler.branch`. */
  branch(body: () => void): { from: Label; to: Label } {
    const [loops, regions, isInFunction] = [this.#loops, this.#openRegions, this.#mayReturn]
    // Names of outer loops stay readable; their targets are out of reach.
    this.#loops = loops.map((loop) => ({ ...loop, regionDepth: null }))
    this.#openRegions = []
    this.#mayReturn = false
    const from = this.#code.label()
    const to = this.#code.label()
    this.#code.place(from)
    body()
    this.#code.place(to)
    this.#loops = loops
    this.#openRegions = regions
    this.#mayReturn = isInFunction
    return { from, to }
  }

  /** As `Compiler.leaveLoop`. */
  leaveLoop(to: 'onBreak' | 'onContinue'): boolean {
    const loop = this.#loops.at(-1)
    if (loop === undefined || loop.regionDepth === null) return false
    this.#leaveRegions(loop.regionDepth)
    this.#code.jump(loop.targets[to])
    return true
  }

  /** As `Compiler.leaveFunction`. */
  leaveFunction(): boolean {
    if (!this.#mayReturn) return false
    this.#leaveRegions(0)
    this.#code.jump(this.#functionEnd)
    return true
  }

  /** Ops that leave all regions but the outermost `depth`: a finally block on the way is run and comes back here. */
  #leaveRegions(depth: number): void {
    for (let i = this.#openRegions.length - 1; i >= depth; i--) {
      const region = this.#openRegions[i] as OpenRegion
      if (region.kind === 'inside-finally') {
        this.#code.emit((frame) => leaveFinally(frame, region.completionSlot))
        continue
      }
      this.#code.emit((frame) => {
        frame.regions.pop()
      })
      if (region.kind === 'catch') continue
      const back = this.#code.label()
      this.#code.emit((frame) => {
        frame.slots[region.completionSlot] = { kind: 'jump', pc: back.pc }
        frame.pc = region.at.pc
      })
      this.#code.place(back)
    }
  }
}
