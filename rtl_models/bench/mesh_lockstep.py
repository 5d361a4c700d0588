"""neuro_mesh in lock-step with the reference engine: every register of every router in every cycle.

One coroutine drives and samples, in the middle of each cycle.  Outputs of the mesh carry the messages of the
cycle; registers show the state after the cycle before.  The model is the reference engine's own system of
routers, advanced cycle by cycle; the bench has queues and sinks of its own.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from neurosim.artefacts.route_table import RouteTable
from neurosim.engines.base import Traffic
from neurosim.engines.reference.router import FREE, Router
from neurosim.engines.reference.traffic import TrafficRun
from neurosim.fabric.tables import flow_fabric
from neurosim.fabric.topology import Fabric
from neurosim.rtl.flits import FlitLayout, bits_for, flit_layout
from neurosim.rtl.route_images import route_words
from rtl_models.bench.job import bits, check, known, reset, the_job
from rtl_models.cosim import job_chip
from rtl_models.traffic import PAYLOAD


class Model:
    """The reference engine, one cycle at a time."""

    def __init__(self, fabric: Fabric, traffic: Traffic) -> None:
        self.run = TrafficRun(fabric, traffic)
        self.routers: list[Router] = self.run.mesh.routers
        self.flits = [list(router.port_flits) for router in self.routers]

    def advance(self, cycle: int) -> None:
        """Finish ``cycle``."""
        self.flits = [list(router.port_flits) for router in self.routers]
        env = self.run.clock.env
        while env.peek() <= cycle:
            env.step()

    def arrived(self, cycle: int) -> set[tuple[int, int]]:
        """(core, packet) of the packets whose tails arrived in ``cycle``."""
        return {(p.target, p.number) for p in self.run.packets if p.arrive == cycle}


class Driver:
    """Sends the trace into the mesh and sinks what comes out, by the messages that it sees."""

    def __init__(self, dut: Any, fabric: Fabric, traffic: Traffic, layout: FlitLayout) -> None:
        chip = fabric.chip
        self.dut, self.fabric, self.layout = dut, fabric, layout
        self.credits = [chip.router.buffer_flits] * fabric.n_cores
        self.queues: list[deque[tuple[int, int]]] = [deque() for _ in range(fabric.n_cores)]
        columns = (traffic.cycle.tolist(), traffic.source.tolist(), traffic.target.tolist())
        for number, (cycle, source, target) in enumerate(zip(*columns, strict=True)):
            x, y = fabric.xy(fabric.tile_of(target))
            for index in range(chip.packet.flits):
                flit = layout.pack(
                    x=x, y=y, exit=fabric.port_of(target), packet=number, head=int(index == 0),
                    tail=int(index == chip.packet.flits - 1),
                )  # fmt: skip
                self.queues[source].append((cycle, flit))
        self.next_valid, self.next_flits, self.next_credits = 0, 0, 0

    def drive(self) -> None:
        """Put the messages of this cycle on the inputs."""
        self.dut.core_tx_valid.value = self.next_valid
        self.dut.core_tx_flit.value = self.next_flits
        self.dut.core_rx_credit.value = self.next_credits

    def sample(self, cycle: int) -> set[tuple[int, int]]:
        """Take the messages of this cycle and decide what to send; returns (core, packet) of tails."""
        width, n_vcs = self.layout.bits, self.fabric.n_vcs
        vc_bits, return_bits = bits_for(n_vcs), self.fabric.chip.packet.flits.bit_length()
        freed, valid = int(self.dut.core_tx_credit.value), int(self.dut.core_rx_valid.value)
        flits = known(self.dut.core_rx_flit) if valid else 0
        vcs = known(self.dut.core_rx_vc) if valid else 0
        tails = set()
        self.next_valid, self.next_flits, self.next_credits = 0, 0, 0
        for core, queue in enumerate(self.queues):
            if valid >> core & 1:
                flit = self.layout.unpack(bits(flits, core, width))
                self.next_credits |= 1 << (core * n_vcs + bits(vcs, core, vc_bits)) * return_bits
                if flit["tail"]:
                    tails.add((core, flit["packet"]))
            self.credits[core] += freed >> core & 1
            if queue and queue[0][0] <= cycle and self.credits[core]:
                self.credits[core] -= 1
                self.next_valid |= 1 << core
                self.next_flits |= queue.popleft()[1] << core * width
        return tails


class Monitor:
    """Reads one router's registers and compares them with the model's."""

    def __init__(self, dut: Any, tile: int, fabric: Fabric, layout: FlitLayout, seen: Counter[str]) -> None:
        depth = fabric.chip.router.buffer_flits
        self.router, self.name = dut.tile[tile].router, f"router {tile}"
        self.fabric, self.layout, self.seen = fabric, layout, seen
        self.port_bits, self.count_bits = bits_for(fabric.n_ports), depth.bit_length()
        self.drops = fabric.chip.router.drop_after_cycles is not None

    def _read(self, name: str) -> int:
        return int(getattr(self.router, name).value)

    def compare(self, cycle: int, model: Router, flits_before: list[int]) -> None:
        """State after ``cycle``, what left in it, and for the functional coverage what did not."""
        n_vcs, width = self.fabric.n_vcs, self.count_bits
        lengths, credits, owned = self._read("length"), self._read("credits"), self._read("owned")
        for channel, fifo in enumerate(model.fifo):
            port, vc = divmod(channel, n_vcs)
            out = vc << self.port_bits | port
            where = f"{self.name} port {port} vc {vc}"
            check(cycle, f"{where} length", len(fifo), bits(lengths, channel, width))
            check(cycle, f"{where} credits", model.credits[channel], bits(credits, out, width))
            check(cycle, f"{where} owned", model.owner[channel] != FREE, bool(owned >> out & 1))
        self._fronts(cycle, model)
        self._pointers(cycle, model)
        sent = sum((now > before) << port for port, (now, before) in
                   enumerate(zip(model.port_flits, flits_before, strict=True)))  # fmt: skip
        check(cycle, f"{self.name} ports that sent", sent, self._read("out_valid"))

    def _fronts(self, cycle: int, model: Router) -> None:
        occupied = model.occupied_channels()
        if not occupied:
            return
        fronts, wants = known(self.router.front), known(self.router.want)
        want_bits = bits_for(self.fabric.n_vcs) + self.port_bits
        for channel in occupied:
            packet, index = model.fifo[channel][0]
            flit = self.layout.unpack(bits(fronts, channel, self.layout.bits))
            out_port, out_vc = divmod(model.want_channel[channel], self.fabric.n_vcs)
            where = f"{self.name} channel {channel}"
            check(cycle, f"{where} front", (packet.number, index == 0), (flit["packet"], bool(flit["head"])))
            if channel not in model.dropping:
                want = out_vc << self.port_bits | out_port
                check(cycle, f"{where} wants", want, bits(wants, channel, want_bits))
            blocked = cycle - model.head_since[channel] >= 0
            in_port = channel // self.fabric.n_vcs
            self.seen[f"{in_port} {out_port} {len(model.fifo[channel])} {int(blocked)}"] += 1

    def _pointers(self, cycle: int, model: Router) -> None:
        vc_bits = bits_for(self.fabric.n_vcs)
        vc_pointers, port_pointers = self._read("vc_pointer"), self._read("port_pointer")
        for port in range(self.fabric.n_ports):
            where = f"{self.name} port {port}"
            check(cycle, f"{where} VC pointer", model.vc_pointer[port], bits(vc_pointers, port, vc_bits))
            got = bits(port_pointers, port, self.port_bits)
            check(cycle, f"{where} pointer", model.port_pointer[port], got)
        check(cycle, f"{self.name} pointer", model.router_pointer, self._read("router_pointer"))
        if self.drops:
            dropping = sum(1 << channel for channel in model.dropping)
            check(cycle, f"{self.name} dropping", dropping, self._read("dropping"))


def load_tables(dut: Any, fabric: Fabric) -> None:
    """Write the routers' tables into their memories, where they have any."""
    if fabric.chip.router.table_entries is not None:
        for router in range(fabric.n_routers):
            for slot, word in enumerate(route_words(fabric, router)):
                dut.tile[router].memory.entries[slot].value = word


@cocotb.test()
async def mesh_equals_the_rules(dut: Any) -> None:
    """Everything equal in every cycle until all packets have arrived or were dropped."""
    job = the_job()
    columns = {name: np.array(values, np.int64) for name, values in job["traffic"].items()}
    parts = job["table"] and {name: np.array(values, np.int64) for name, values in job["table"].items()}
    traffic = Traffic(**columns, table=RouteTable(**parts) if parts else None)
    fabric = flow_fabric(job_chip(job), traffic.table, traffic.source, traffic.target)
    load_tables(dut, fabric)
    layout, seen = flit_layout(fabric.chip, PAYLOAD), Counter[str]()
    model, driver = Model(fabric, traffic), Driver(dut, fabric, traffic, layout)
    monitors = [Monitor(dut, tile, fabric, layout, seen) for tile in range(fabric.n_routers)]
    inputs = ("tx_valid", "tx_flit", "rx_credit")
    await reset(dut, {f"{side}_{name}": 0 for side in ("core", "host") for name in inputs})
    cycle = 0
    while model.run.ledger.open:
        if cycle > job["max_cycles"]:
            raise AssertionError(f"not done after {cycle} cycles")
        driver.drive()
        tails = driver.sample(cycle)
        model.advance(cycle)
        check(cycle, "tails that arrived", sorted(model.arrived(cycle)), sorted(tails))
        await FallingEdge(dut.clk)  # the middle of the next cycle: registers show the end of this one
        for monitor, router, before in zip(monitors, model.routers, model.flits, strict=True):
            monitor.compare(cycle, router, before)
        cycle += 1
    with open(job["result"], "w") as file:
        json.dump({"cycles": cycle, "packets": len(traffic.cycle), "seen": dict(sorted(seen.items()))}, file)
