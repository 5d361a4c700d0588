// Transmit FIFO of a core: packets go in whole, flits leave one a cycle on VC 0 (see transmit_fifo.md).
`include "neurosim_params.vh"
module transmit_fifo #(
    parameter FLITS = `PACKET_FLITS,
    parameter DEPTH = `CORE_TX_FLITS,
    parameter CREDITS = `ROUTER_BUFFER_FLITS
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire                  push,       // a packet; only while `room`
    input  wire [`FLIT_BITS-1:0] push_flit,  // head and tail bits are set here
    output wire                  room,       // for a whole packet, before this cycle's flit leaves
    output wire                  holds,      // flits waited when the cycle began
    input  wire                  credit,
    output reg                   out_valid,
    output reg  [`FLIT_BITS-1:0] out_flit
);
    localparam PACKETS = (DEPTH + FLITS - 1) / FLITS;  // the front one may be partly sent
    localparam PACKET_BITS = $clog2(PACKETS + 1);
    localparam FLIT_COUNT_BITS = $clog2(DEPTH + FLITS + 1);
    localparam CREDIT_COUNT_BITS = $clog2(CREDITS + 1);
    localparam INDEX_BITS = (FLITS > 1) ? $clog2(FLITS) : 1;
    localparam [FLIT_COUNT_BITS-1:0] MOST = DEPTH, PER_PACKET = FLITS;
    localparam integer LAST_FLIT = FLITS - 1;
    localparam [INDEX_BITS-1:0] LAST = LAST_FLIT[INDEX_BITS-1:0];

    reg [FLIT_COUNT_BITS-1:0] length;  // flits
    reg [INDEX_BITS-1:0] index;  // of the flit that leaves next
    wire [PACKET_BITS-1:0] packets;
    wire [`FLIT_BITS-1:0] front;
    wire [CREDIT_COUNT_BITS-1:0] credits;
    wire waiting, available;
    wire send = waiting & available;
    wire is_last = index == LAST;

    assign room = length + PER_PACKET <= MOST;
    assign holds = length != {FLIT_COUNT_BITS{1'b0}};

    sync_fifo #(
        .WIDTH(`FLIT_BITS), .DEPTH(PACKETS), .COUNT_BITS(PACKET_BITS)
    ) queue (
        .clk(clk), .rst(rst), .push(push), .push_data(push_flit), .pop(send & is_last),
        .front_valid(waiting), .front(front), .count(packets)
    );
    credit_counter #(
        .INITIAL(CREDITS), .COUNT_BITS(CREDIT_COUNT_BITS)
    ) allowance (
        .clk(clk), .rst(rst), .returned(credit), .spend(send), .available(available), .count(credits)
    );

    always @(posedge clk) begin
        out_valid <= ~rst & send;
        out_flit <= front;
        out_flit[`FLIT_HEAD_LSB] <= index == {INDEX_BITS{1'b0}};
        out_flit[`FLIT_TAIL_LSB] <= is_last;
        if (rst) begin
            length <= {FLIT_COUNT_BITS{1'b0}};
            index <= {INDEX_BITS{1'b0}};
        end else begin
            length <= length + (push ? PER_PACKET : {FLIT_COUNT_BITS{1'b0}}) - {{FLIT_COUNT_BITS - 1{1'b0}}, send};
            if (send) index <= is_last ? {INDEX_BITS{1'b0}} : index + 1'b1;
        end
    end

    wire unused = &{1'b0, packets, credits};
endmodule
