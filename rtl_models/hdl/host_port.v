// The host's end of its link: sends the packets of each step's list, takes what arrives at once (see host_port.md).
`include "neurosim_params.vh"
module host_port (
    input  wire                                                    clk,
    input  wire                                                    rst,
    input  wire                                                    token,
    // the list, in the host's memory
    input  wire [                                            31:0] list_length,  // packets of the step that a token starts
    input  wire [                                  `FLIT_BITS-1:0] list_packet,  // the next packet to be sent
    output wire                                                    list_next,    // its tail leaves in this cycle
    // fabric
    output reg                                                     tx_valid,
    output reg  [                                  `FLIT_BITS-1:0] tx_flit,
    input  wire                                                    tx_credit,
    input  wire                                                    rx_valid,
    input  wire [                                  `FLIT_BITS-1:0] rx_flit,
    input  wire [                                    `VC_BITS-1:0] rx_vc,
    output reg [`ROUTER_VIRTUAL_CHANNELS*`CREDIT_RETURN_BITS-1:0] rx_credit,
    output reg  [                         `IMAGE_BALANCE_BITS-1:0] balance,      // packets sent - packets consumed
    output wire                                                    busy,         // packets waited when the cycle began
    output wire                                                    injects       // a head leaves in this cycle
);
    localparam F = `PACKET_FLITS, BB = `IMAGE_BALANCE_BITS, CB = $clog2(`ROUTER_BUFFER_FLITS + 1);
    localparam IB = F > 1 ? $clog2(F) : 1, PACE = `HOST_PRESENT ? `HOST_CYCLES_PER_FLIT : 1;
    localparam integer LAST_FLIT = F - 1;
    localparam [IB-1:0] LAST = LAST_FLIT[IB-1:0];
    localparam [31:0] REST = PACE - 1;

    reg [31:0] waiting;  // packets not sent yet
    reg [31:0] pace;  // cycles until the link is free
    reg [IB-1:0] index;  // of the flit that leaves next
    wire [31:0] due = waiting + (token ? list_length : 32'd0);
    wire [CB-1:0] credits;
    wire available;
    wire send = (due != 32'd0) & available & (pace == 32'd0);
    wire is_last = index == LAST;
    wire consumes = rx_valid & rx_flit[`FLIT_TAIL_LSB];
    assign list_next = send & is_last & ~rst;
    assign injects = send & (index == {IB{1'b0}}) & ~rst;
    assign busy = waiting != 32'd0;
    credit_counter #(
        .INITIAL(`ROUTER_BUFFER_FLITS), .COUNT_BITS(CB)
    ) allowance (
        .clk(clk), .rst(rst), .returned(tx_credit), .spend(send), .available(available), .count(credits)
    );

    integer v;
    always @(posedge clk) begin
        tx_valid <= ~rst & send;
        tx_flit <= list_packet;
        tx_flit[`FLIT_HEAD_LSB] <= index == {IB{1'b0}};
        tx_flit[`FLIT_TAIL_LSB] <= is_last;
        rx_credit <= {`ROUTER_VIRTUAL_CHANNELS * `CREDIT_RETURN_BITS{1'b0}};
        for (v = 0; v < `ROUTER_VIRTUAL_CHANNELS; v = v + 1)
            if (rx_valid & ~rst & (rx_vc == v[`VC_BITS-1:0])) rx_credit[v*`CREDIT_RETURN_BITS] <= 1'b1;
        if (rst) begin
            waiting <= 32'd0;
            pace <= 32'd0;
            index <= {IB{1'b0}};
            balance <= {BB{1'b0}};
        end else begin
            waiting <= list_next ? due - 32'd1 : due;
            pace <= send ? REST : pace != 32'd0 ? pace - 32'd1 : 32'd0;
            if (send) index <= is_last ? {IB{1'b0}} : index + 1'b1;
            balance <= balance + (token ? list_length[BB-1:0] : {BB{1'b0}}) - {{BB - 1{1'b0}}, consumes};
        end
    end

    wire unused = &{1'b0, credits, rx_flit, list_length[31:BB]};
endmodule
