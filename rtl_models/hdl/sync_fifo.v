// First-in first-out queue whose front may be the word that arrives in this very cycle (see sync_fifo.md).
module sync_fifo #(
    parameter WIDTH = 8,
    parameter DEPTH = 4,
    parameter COUNT_BITS = 3  // enough for DEPTH
) (
    input  wire                  clk,
    input  wire                  rst,
    input  wire                  push,
    input  wire [     WIDTH-1:0] push_data,
    input  wire                  pop,
    output wire                  front_valid,
    output wire [     WIDTH-1:0] front,
    output reg  [COUNT_BITS-1:0] count
`ifdef FORMAL
    ,
    output wire [DEPTH*WIDTH-1:0] probe_memory,
    output wire [31:0] probe_read_at,
    output wire [31:0] probe_write_at
`endif
);
    localparam POINTER_BITS = DEPTH > 1 ? $clog2(DEPTH) : 1;
    localparam integer LAST_SLOT = DEPTH - 1;
    localparam [POINTER_BITS-1:0] LAST = LAST_SLOT[POINTER_BITS-1:0];

    reg [WIDTH-1:0] memory[0:DEPTH-1];
    reg [POINTER_BITS-1:0] read_at, write_at;

    wire is_empty = count == {COUNT_BITS{1'b0}};
    assign front_valid = push | ~is_empty;
    assign front = is_empty ? push_data : memory[read_at];

`ifdef FORMAL
    genvar i;
    generate
        for (i = 0; i < DEPTH; i = i + 1) begin : probe
            assign probe_memory[i*WIDTH+:WIDTH] = memory[i];
        end
    endgenerate
    assign probe_read_at = read_at;
    assign probe_write_at = write_at;
`endif

    always @(posedge clk) begin
        if (push) memory[write_at] <= push_data;
        if (rst) begin
            read_at  <= {POINTER_BITS{1'b0}};
            write_at <= {POINTER_BITS{1'b0}};
            count    <= {COUNT_BITS{1'b0}};
        end else begin
            if (push) write_at <= write_at == LAST ? {POINTER_BITS{1'b0}} : write_at + 1'b1;
            if (pop) read_at <= read_at == LAST ? {POINTER_BITS{1'b0}} : read_at + 1'b1;
            if (push & ~pop) count <= count + 1'b1;
            else if (pop & ~push) count <= count - 1'b1;
        end
    end
endmodule
