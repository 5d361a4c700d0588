"""neuro_mesh in lock-step with the reference engine: every register of every router in every cycle.

One coroutine drives and samples, in the middle of each cycle.  Outputs of the mesh carry the messages of the
cycle; registers show the state after the cycle before.  The model is the reference engine's own system of
routers, advanced cycle by cycle; the bench has queues and sinks of its own.
"""

from __future__ import annotations

import dataclasses
import json
from collections import Counter, deque
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.route_table import RouteTable
from neurosim.artefacts.tree_table import FIRST_TREE, TreeTable, as_tree
from neurosim.engines.base import Traffic
from neurosim.engines.reference.packets import PacketMaker
from neurosim.engines.reference.router import FREE, Router
from neurosim.engines.reference.traffic import TrafficRun
from neurosim.fabric.tables import flow_fabric
from neurosim.fabric.topology import Fabric
from neurosim.fabric.trees import tree_problems
from neurosim.rtl.flits import FlitLayout, bits_for, flit_layout
from neurosim.rtl.route_images import route_words
from neurosim.rtl.tree_images import tree_words
from rtl_models.bench.job import bits, check, known, reset, the_job
from rtl_models.cosim import job_chip, lockstep_payload

AXONS = 16  # packet n is sent to axon n % AXONS


class Model:
    """The reference engine, one cycle at a time.

    Its raw traffic knows no trees: with them the packets are planned here, as it plans its own.
    """

    def __init__(self, fabric: Fabric, traffic: Traffic) -> None:
        has_trees = fabric.trees is not None
        nothing = traffic.cycle[:0]
        planned = Traffic(nothing, nothing, nothing, traffic.table) if has_trees else traffic
        self.run = TrafficRun(fabric, planned)
        if has_trees:
            self._plan(fabric, traffic)
        self.routers: list[Router] = self.run.mesh.routers
        self.flits = [list(router.port_flits) for router in self.routers]

    def _plan(self, fabric: Fabric, traffic: Traffic) -> None:
        makers = [PacketMaker(core, fabric) for core in range(fabric.n_cores)]
        columns = (traffic.cycle.tolist(), traffic.source.tolist(), traffic.target.tolist())
        for number, (cycle, source, target) in enumerate(zip(*columns, strict=True)):
            packet = makers[source].make(target, number % AXONS, 0)
            for each in (packet, *packet.parts):
                each.number = number
            self.run.ledger.inject(packet, cycle)
            self.run.nodes[source].plan(cycle, packet)
            self.run.packets.append(packet)
        for node in self.run.nodes:
            node.wake_first()

    def advance(self, cycle: int) -> None:
        """Finish ``cycle``."""
        self.flits = [list(router.port_flits) for router in self.routers]
        env = self.run.clock.env
        while env.peek() <= cycle:
            env.step()

    def arrived(self, cycle: int) -> set[tuple[int, int, int]]:
        """(core, packet, axon) of the packets whose tails arrived in ``cycle``; without trees axons are 0."""
        parts = (part for packet in self.run.packets for part in packet.parts)
        return {(part.target, part.number, part.axon) for part in parts if part.arrive == cycle}


class Driver:
    """Sends the trace into the mesh and sinks what comes out, by the messages that it sees."""

    def __init__(self, dut: Any, fabric: Fabric, traffic: Traffic, layout: FlitLayout) -> None:
        chip = fabric.chip
        self.dut, self.fabric, self.layout = dut, fabric, layout
        self.credits = [chip.router.buffer_flits] * fabric.n_cores
        self.queues: list[deque[tuple[int, int]]] = [deque() for _ in range(fabric.n_cores)]
        columns = (traffic.cycle.tolist(), traffic.source.tolist(), traffic.target.tolist())
        for number, (cycle, source, target) in enumerate(zip(*columns, strict=True)):
            address = self._address(target, number)
            for index in range(chip.packet.flits):
                flit = layout.pack(
                    **address, packet=number, head=int(index == 0), tail=int(index == chip.packet.flits - 1)
                )
                self.queues[source].append((cycle, flit))
        self.next_valid, self.next_flits, self.next_credits = 0, 0, 0

    def _address(self, target: int, number: int) -> dict[str, int]:
        axon = {} if self.fabric.trees is None else {"axon": number % AXONS}
        if target < HOST:
            return {"key": as_tree(target), "tree": 1, **axon}
        x, y = self.fabric.xy(self.fabric.tile_of(target))
        return {"x": x, "y": y, "exit": self.fabric.port_of(target), **axon}

    def drive(self) -> None:
        """Put the messages of this cycle on the inputs."""
        self.dut.core_tx_valid.value = self.next_valid
        self.dut.core_tx_flit.value = self.next_flits
        self.dut.core_rx_credit.value = self.next_credits

    def sample(self, cycle: int) -> set[tuple[int, int, int]]:
        """Take the messages of this cycle and decide what to send; returns (core, packet, axon) of tails."""
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
                    tails.add((core, flit["packet"], flit.get("axon", 0)))
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
        self.has_branches = fabric.chip.router.multicast_entries is not None

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
        owes, vcs = known(self.router.owes), known(self.router.branch_vc)
        want_bits = bits_for(self.fabric.n_vcs) + self.port_bits
        for channel in occupied:
            packet, index = model.fifo[channel][0]
            flit = self.layout.unpack(bits(fronts, channel, self.layout.bits))
            where = f"{self.name} channel {channel}"
            check(cycle, f"{where} front", (packet.number, index == 0), (flit["packet"], bool(flit["head"])))
            ways = {port: out % self.fabric.n_vcs for port, out in model.owed[channel].items()}
            if self.has_branches:
                check(cycle, f"{where} owes", ways, self._branches(channel, owes, vcs))
            elif channel not in model.dropping:
                ((out_port, out_vc),) = ways.items()
                want = out_vc << self.port_bits | out_port
                check(cycle, f"{where} wants", want, bits(wants, channel, want_bits))
            blocked = cycle - model.head_since[channel] >= 0
            in_port = channel // self.fabric.n_vcs
            for out_port in ways:
                self.seen[f"{in_port} {out_port} {len(model.fifo[channel])} {int(blocked)}"] += 1

    def _branches(self, channel: int, owes: int, vcs: int) -> dict[int, int]:
        """VC by output port of what a channel owes."""
        n, vc_bits = self.fabric.n_ports, bits_for(self.fabric.n_vcs)
        mine = bits(owes, channel, n)
        return {p: bits(vcs, channel * n + p, vc_bits) for p in range(n) if mine >> p & 1}

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


def load_tables(dut: Any, fabric: Fabric, layout: FlitLayout) -> None:
    """Write the routers' tables into their memories, where they have any."""
    if fabric.chip.router.multicast_entries is not None:
        for router in range(fabric.n_routers):
            for slot, word in enumerate(tree_words(fabric, layout, router)):
                dut.tile[router].tree_memory.entries[slot].value = word
    if fabric.chip.router.table_entries is not None:
        for router in range(fabric.n_routers):
            for slot, word in enumerate(route_words(fabric, router)):
                dut.tile[router].memory.entries[slot].value = word


def job_traffic(job: dict[str, Any]) -> tuple[Traffic, Fabric]:
    """The traffic, and the fabric with its tables and trees, on which every packet arrives."""

    def arrays(name: str) -> dict[str, Any]:
        return {k: v if isinstance(v, int) else np.array(v, np.int64) for k, v in job[name].items()}

    traffic = Traffic(**arrays("traffic"), table=RouteTable(**arrays("table")) if job["table"] else None)
    alone = traffic.target >= HOST
    fabric = flow_fabric(job_chip(job), traffic.table, traffic.source[alone], traffic.target[alone])
    if job["trees"] is None:
        return traffic, fabric
    fabric = dataclasses.replace(fabric, trees=TreeTable(**arrays("trees")))
    trees = FIRST_TREE - traffic.target[~alone]
    assert tree_problems(fabric, traffic.source[~alone], trees) == []
    return traffic, fabric


@cocotb.test()
async def mesh_equals_the_rules(dut: Any) -> None:
    """Everything equal in every cycle until all packets have arrived or were dropped."""
    job = the_job()
    traffic, fabric = job_traffic(job)
    layout, seen = flit_layout(fabric.chip, lockstep_payload(fabric.chip)), Counter[str]()
    load_tables(dut, fabric, layout)
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
