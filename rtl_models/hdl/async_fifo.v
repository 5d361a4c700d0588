// Queue between two clocks; each side sees the other's Gray-coded pointer through a synchroniser (see async_fifo.md).
module async_fifo #(
    parameter WIDTH = 32,
    parameter ADDRESS_BITS = 3,  // 2**ADDRESS_BITS words
    parameter STAGES = 2         // registers of each synchroniser
) (
    input  wire             write_clk,
    input  wire             write_rst,
    input  wire             push,        // ignored while full
    input  wire [WIDTH-1:0] push_data,
    output wire             full,
    input  wire             read_clk,
    input  wire             read_rst,
    input  wire             pop,         // ignored while empty
    output wire [WIDTH-1:0] front,
    output wire             empty
`ifdef FORMAL
    ,
    output wire [(WIDTH<<ADDRESS_BITS)-1:0] probe_memory,
    output wire [ADDRESS_BITS:0] probe_write_at,
    output wire [ADDRESS_BITS:0] probe_write_gray,
    output wire [STAGES*ADDRESS_BITS+STAGES-1:0] probe_write_seen,  // by the reader
    output wire [ADDRESS_BITS:0] probe_read_at,
    output wire [ADDRESS_BITS:0] probe_read_gray,
    output wire [STAGES*ADDRESS_BITS+STAGES-1:0] probe_read_seen    // by the writer
`endif
);
    localparam A = ADDRESS_BITS;
    reg [WIDTH-1:0] memory[0:(1<<A)-1];
    // pointers have one bit more than the address: equal is empty, apart by all words is full
    reg [A:0] write_at, write_gray, read_at, read_gray;
    wire [A:0] write_seen, read_seen;

    wire [A:0] write_next = write_at + {{A{1'b0}}, push & ~full};
    wire [A:0] read_next = read_at + {{A{1'b0}}, pop & ~empty};
    assign full = write_gray == {~read_seen[A:A-1], read_seen[A-2:0]};
    assign empty = read_gray == write_seen;
    assign front = memory[read_at[A-1:0]];

    synchroniser #(
        .WIDTH (A + 1),
        .STAGES(STAGES)
    ) to_writer (
        .clk(write_clk),
        .rst(write_rst),
        .in (read_gray),
        .out(read_seen)
`ifdef FORMAL
        ,
        .probe_stages(probe_read_seen)
`endif
    );
    synchroniser #(
        .WIDTH (A + 1),
        .STAGES(STAGES)
    ) to_reader (
        .clk(read_clk),
        .rst(read_rst),
        .in (write_gray),
        .out(write_seen)
`ifdef FORMAL
        ,
        .probe_stages(probe_write_seen)
`endif
    );

    always @(posedge write_clk) if (push & ~full) memory[write_at[A-1:0]] <= push_data;
    always @(posedge write_clk)
        if (write_rst) begin
            write_at <= {A + 1{1'b0}};
            write_gray <= {A + 1{1'b0}};
        end else begin
            write_at <= write_next;
            write_gray <= write_next ^ (write_next >> 1);
        end
    always @(posedge read_clk)
        if (read_rst) begin
            read_at <= {A + 1{1'b0}};
            read_gray <= {A + 1{1'b0}};
        end else begin
            read_at <= read_next;
            read_gray <= read_next ^ (read_next >> 1);
        end

`ifdef FORMAL
    genvar i;
    generate
        for (i = 0; i < 1 << A; i = i + 1) begin : probe
            assign probe_memory[i*WIDTH+:WIDTH] = memory[i];
        end
    endgenerate
    assign probe_write_at = write_at;
    assign probe_write_gray = write_gray;
    assign probe_read_at = read_at;
    assign probe_read_gray = read_gray;
`endif
endmodule
