// A link between two chips: serialiser, wires, deserialiser, and the credits that come back (see chip_link.md).
module chip_link #(
    parameter FLIT_BITS = 32,
    parameter VC_BITS = 1,
    parameter CREDITS = 1,          // credit wires, one per VC
    parameter DELAY = 3,            // cycles from input to output
    parameter CYCLES_PER_FLIT = 2,
    parameter CREDIT_DELAY = 1
) (
    input  wire                 clk,
    input  wire                 rst,
    input  wire                 in_valid,   // at most every CYCLES_PER_FLIT cycles
    input  wire [FLIT_BITS-1:0] in_flit,
    input  wire [  VC_BITS-1:0] in_vc,
    output wire                 out_valid,
    output wire [FLIT_BITS-1:0] out_flit,
    output wire [  VC_BITS-1:0] out_vc,
    input  wire [  CREDITS-1:0] credit_in,
    output wire [  CREDITS-1:0] credit_out
);
    localparam WORD = VC_BITS + FLIT_BITS;
    // the last piece is on the wire CYCLES_PER_FLIT cycles after the flit came, and leaves one later
    localparam SERIAL = CYCLES_PER_FLIT > 1 && DELAY > CYCLES_PER_FLIT;

    delay_line #(
        .WIDTH(CREDITS),
        .CYCLES(CREDIT_DELAY)
    ) credit_wires (
        .clk(clk),
        .rst(rst),
        .in (credit_in),
        .out(credit_out)
    );

    generate
        if (!SERIAL) begin : wide
            delay_line #(
                .WIDTH(WORD + 1),
                .CYCLES(DELAY)
            ) wires (
                .clk(clk),
                .rst(rst),
                .in ({in_valid, in_vc, in_flit}),
                .out({out_valid, out_vc, out_flit})
            );
        end else begin : serial
            localparam PIECE = (WORD + CYCLES_PER_FLIT - 1) / CYCLES_PER_FLIT;
            localparam PADDED = PIECE * CYCLES_PER_FLIT;
            localparam BITS = $clog2(CYCLES_PER_FLIT);
            localparam integer LAST_PIECE = CYCLES_PER_FLIT - 1;
            localparam [BITS-1:0] LAST = LAST_PIECE[BITS-1:0];

            // sender: the piece on the wire is the lowest of those still to go
            reg [PADDED-1:0] to_send;
            reg [BITS-1:0] left;      // pieces after the one on the wire
            reg is_sending;
            always @(posedge clk)
                if (rst) begin
                    is_sending <= 1'b0;
                    left <= {BITS{1'b0}};
                end else if (in_valid) begin
                    is_sending <= 1'b1;
                    left <= LAST;
                end else if (left != {BITS{1'b0}}) left <= left - 1'b1;
                else is_sending <= 1'b0;
            always @(posedge clk)
                if (in_valid) to_send <= {{PADDED - WORD{1'b0}}, in_vc, in_flit};
                else to_send <= {{PIECE{1'b0}}, to_send[PADDED-1:PIECE]};

            wire piece_valid;
            wire [PIECE-1:0] piece;
            delay_line #(
                .WIDTH(PIECE + 1),
                .CYCLES(DELAY - CYCLES_PER_FLIT - 1)
            ) wires (
                .clk(clk),
                .rst(rst),
                .in ({is_sending, to_send[PIECE-1:0]}),
                .out({piece_valid, piece})
            );

            // receiver: pieces enter from above
            reg [PADDED-1:0] received;
            reg [BITS-1:0] count;     // pieces received of this flit
            reg is_whole;
            always @(posedge clk)
                if (rst) begin
                    count <= {BITS{1'b0}};
                    is_whole <= 1'b0;
                end else begin
                    if (piece_valid) count <= count == LAST ? {BITS{1'b0}} : count + 1'b1;
                    is_whole <= piece_valid & count == LAST;
                end
            always @(posedge clk) if (piece_valid) received <= {piece, received[PADDED-1:PIECE]};
            assign out_valid = is_whole;
            assign {out_vc, out_flit} = received[WORD-1:0];
            if (PADDED > WORD) begin : padding
                wire unused = &{1'b0, received[PADDED-1:WORD]};
            end
        end
    endgenerate
endmodule
