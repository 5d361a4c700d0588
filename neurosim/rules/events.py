"""The integer events that engines count and the energy table prices.  One list for everybody."""

from __future__ import annotations

EVENTS: dict[str, str] = {
    "flit_hop_east_west": "a flit leaves a router through its EAST or WEST port, inside a chip",
    "flit_hop_north_south": "a flit leaves a router through its NORTH or SOUTH port, inside a chip",
    "flit_hop_local": "a flit leaves a router through a LOCAL port to a core",
    "flit_chip_crossing": "a flit crosses a link between two chips",
    "flit_host": "a flit crosses the host link, in either direction",
    "packet_decoded": "a core's synapse pipeline takes a packet and looks up its axon",
    "synapse_word_read": "one word is read from the synapse memory",
    "synaptic_operation": "one weight is added to an accumulator (zero weights included)",
    "neuron_update_active": "a neuron update in which input came, state changed or it fired",
    "neuron_update_idle": "any other neuron update",
    "spike_generated": "a neuron fires once",
    "packet_sent": "a core walks one target entry and sends one packet",
    "barrier": "one global barrier at the end of a time step",
}
EVENT_NAMES = tuple(EVENTS)
EVENT_INDEX = {name: index for index, name in enumerate(EVENT_NAMES)}
