"""Where the cores' values lie: places in the tuple of layout CORES, words of its records, entries of RUN."""

from __future__ import annotations

from neurosim.engines.compiled import layout
from neurosim.rules import events as event_names

_at, _word = layout.CORES.place, layout.CORES.word
N_CORES, N_NEURONS, N_BANKS, MAX_DELAY = _at("N_CORES"), _at("N_NEURONS"), _at("N_BANKS"), _at("MAX_DELAY")
RX_RING, TX_RING, TX_FLITS, INJECTION = _at("RX_RING"), _at("TX_RING"), _at("TX_FLITS"), _at("INJECTION")
SHARED_PORT, RECEIVE_DURING_UPDATE = _at("SHARED_PORT"), _at("RECEIVE_DURING_UPDATE")
SPIKE_CYCLES, TARGET_CYCLES = _at("SPIKE_CYCLES"), _at("TARGET_CYCLES")
MEMBRANE_WRAPS, ACCUMULATOR_WRAPS, V_LOW = _at("MEMBRANE_WRAPS"), _at("ACCUMULATOR_WRAPS"), _at("V_LOW")
V_HIGH, I_LOW, I_HIGH, ACC_LOW = _at("V_HIGH"), _at("I_LOW"), _at("I_HIGH"), _at("ACC_LOW")
ACC_HIGH, SAMPLE_STEPS, LOG_PACKETS = _at("ACC_HIGH"), _at("SAMPLE_STEPS"), _at("LOG_PACKETS")
G_FIRST, G_N, G_MODEL, G_RESET = _at("G_FIRST"), _at("G_N"), _at("G_MODEL"), _at("G_RESET")
G_SHIFT, G_START, G_ACTIVE, G_IDLE = _at("G_SHIFT"), _at("G_START"), _at("G_ACTIVE"), _at("G_IDLE")
G_RAMP, G_INPUT_STEPS, G_SILENT_STEPS = _at("G_RAMP"), _at("G_INPUT_STEPS"), _at("G_SILENT_STEPS")
RAMP, RAMP_FLOOR = _at("RAMP"), _at("RAMP_FLOOR")
KEEP, CURRENT_KEEP, BIAS, THRESHOLD = _at("KEEP"), _at("CURRENT_KEEP"), _at("BIAS"), _at("THRESHOLD")
RESET_AMOUNT, V_FLOOR, SPIKES, CYCLES = _at("RESET_AMOUNT"), _at("V_FLOOR"), _at("SPIKES"), _at("CYCLES")
AXON_KIND, K_BLOCK, K_WORDS = _at("AXON_KIND"), _at("K_BLOCK"), _at("K_WORDS")
K_OPERATIONS, K_CYCLES, B_AXON = _at("K_OPERATIONS"), _at("K_CYCLES"), _at("B_AXON")
SPARSE_STRIDE, B_FORMAT, B_FIRST, B_N = _at("SPARSE_STRIDE"), _at("B_FORMAT"), _at("B_FIRST"), _at("B_N")
B_DELAY, B_WEIGHT, B_POINTER, B_SOURCE = _at("B_DELAY"), _at("B_WEIGHT"), _at("B_POINTER"), _at("B_SOURCE")
B_GEOMETRY, POINTER, TARGET, SOURCE = _at("B_GEOMETRY"), _at("POINTER"), _at("TARGET"), _at("SOURCE")
GEOMETRY, T_POINTER, T_AXON, T_CORE = _at("GEOMETRY"), _at("T_POINTER"), _at("T_AXON"), _at("T_CORE")
ADDRESS, RX, TX, WOKEN, PK_FREE = _at("ADDRESS"), _at("RX"), _at("TX"), _at("WOKEN"), _at("PK_FREE")
BANK, V, RUN, TRACE, IS_FAR = _at("BANK"), _at("V"), _at("RUN"), _at("TRACE"), _at("IS_FAR")
LEAF_FIRST, LEAF_CORE, LEAF_AXON = _at("LEAF_FIRST"), _at("LEAF_CORE"), _at("LEAF_AXON")
I = _at("I")  # noqa: E741
TRACE_SLOTS, PACKET_LOG, CORE_LOG = _at("TRACE_SLOTS"), _at("PACKET_LOG"), _at("CORE_LOG")
CORE_AT, CORE_SHIFT, PACKET_AT = _at("CORE_AT"), _at("CORE_SHIFT"), _at("PACKET_AT")
PACKET_SHIFT = _at("PACKET_SHIFT")
# words of the records of cores and packets
CORE, FIRST_AXON, CHANNEL, LINK = _word("CORE"), _word("FIRST_AXON"), _word("CHANNEL"), _word("LINK")
IS_WOKEN, TX_FIRST, TX_LENGTH = _word("IS_WOKEN"), _word("TX_FIRST"), _word("TX_LENGTH")
TX_CREDITS, RX_POINTER, PACKET = _word("TX_CREDITS"), _word("RX_POINTER"), _word("PACKET")
LOOPING, POSITION, SEND_NEXT = _word("LOOPING"), _word("POSITION"), _word("SEND_NEXT")
SEND_LAST, SEND_TIMES, SEND_NEURON = _word("SEND_LAST"), _word("SEND_TIMES"), _word("SEND_NEURON")
START_NEXT, START_COUNT, CORE_STEP = _word("START_NEXT"), _word("START_COUNT"), _word("CORE_STEP")
PIPELINE_UNTIL, MEMORY_FREE, LOOP_UNTIL = _word("PIPELINE_UNTIL"), _word("MEMORY_FREE"), _word("LOOP_UNTIL")
STALLED_SINCE, ALARM, PIPELINE_BUSY = _word("STALLED_SINCE"), _word("ALARM"), _word("PIPELINE_BUSY")
LOOP_BUSY, STALL, LATE = _word("LOOP_BUSY"), _word("STALL"), _word("LATE")
MEMBRANE_OVER, ACCUMULATOR_OVER = _word("MEMBRANE_OVER"), _word("ACCUMULATOR_OVER")
LOOP_SINCE, FIRST_NEURON, LAST_NEURON = _word("LOOP_SINCE"), _word("FIRST_NEURON"), _word("LAST_NEURON")
FIRST_GROUP, LAST_GROUP, RX_FIRST = _word("FIRST_GROUP"), _word("LAST_GROUP"), _word("RX_FIRST")
RX_LENGTH, RX_WHOLE, EVENTS = _word("RX_LENGTH"), _word("RX_WHOLE"), _word("EVENTS")
PK_AXON, PK_STEP, PK_SOURCE = _word("PK_AXON"), _word("PK_STEP"), _word("PK_SOURCE")
PK_TARGET, PK_LOG, PK_NUMBER = _word("PK_TARGET"), _word("PK_LOG"), _word("PK_NUMBER")
PK_ENDED, PK_INJECT, PK_LEAVES = _word("PK_ENDED"), _word("PK_INJECT"), _word("PK_LEAVES")
LOG_ARRIVED, LOG_DROPPED = range(2)  # outcomes in PACKET_LOG
LOG_LOOP, LOG_PACKET, LOG_STALL = range(3)  # kinds in CORE_LOG

HORIZON = 256  # cycles for which alarms are kept as bits

# entries of RUN
OPEN, SENT, ARRIVED, N_FREE, N_WOKEN, N_HEAP, N_LOG, N_SPIKES, N_OVER, NOW, UPCOMING = range(11)
LAST_ARRIVAL, STEP, NEXT_START, QUIET_AT, HOST_NEXT, HOST_DUE, HOST_FREE, HOST_CREDITS = range(11, 19)
HOST_FLITS, HOST_RECEIVED, BARRIERS, HOST_INDEX, HOST_PACKET, N_MISSED = range(19, 25)
N_HOST, N_PACKET_LOG, N_CORE_LOG = range(25, 28)
N_RUN = 28

DECODED = event_names.EVENT_INDEX["packet_decoded"]
WORD_READ = event_names.EVENT_INDEX["synapse_word_read"]
OPERATION = event_names.EVENT_INDEX["synaptic_operation"]
UPDATE_ACTIVE = event_names.EVENT_INDEX["neuron_update_active"]
UPDATE_IDLE = event_names.EVENT_INDEX["neuron_update_idle"]
SPIKE = event_names.EVENT_INDEX["spike_generated"]
PACKET_SENT = event_names.EVENT_INDEX["packet_sent"]
