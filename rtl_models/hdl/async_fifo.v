// Queue between two clocks; each side sees the other's Gray-coded pointer through two registers (see async_fifo.md).
module async_fifo #(
    parameter WIDTH = 32,
    parameter ADDRESS_BITS = 3  // 2**ADDRESS_BITS words
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
);
    localparam A = ADDRESS_BITS;
    reg [WIDTH-1:0] memory[0:(1<<A)-1];
    // pointers have one bit more than the address: equal is empty, apart by all words is full
    reg [A:0] write_at, write_gray, write_seen_first, write_seen;
    reg [A:0] read_at, read_gray, read_seen_first, read_seen;

    wire [A:0] write_next = write_at + {{A{1'b0}}, push & ~full};
    wire [A:0] read_next = read_at + {{A{1'b0}}, pop & ~empty};
    assign full = write_gray == {~read_seen[A:A-1], read_seen[A-2:0]};
    assign empty = read_gray == write_seen;
    assign front = memory[read_at[A-1:0]];

    always @(posedge write_clk) if (push & ~full) memory[write_at[A-1:0]] <= push_data;
    always @(posedge write_clk)
        if (write_rst) begin
            write_at <= {A + 1{1'b0}};
            write_gray <= {A + 1{1'b0}};
            {read_seen, read_seen_first} <= {2 * A + 2{1'b0}};
        end else begin
            write_at <= write_next;
            write_gray <= write_next ^ (write_next >> 1);
            {read_seen, read_seen_first} <= {read_seen_first, read_gray};
        end
    always @(posedge read_clk)
        if (read_rst) begin
            read_at <= {A + 1{1'b0}};
            read_gray <= {A + 1{1'b0}};
            {write_seen, write_seen_first} <= {2 * A + 2{1'b0}};
        end else begin
            read_at <= read_next;
            read_gray <= read_next ^ (read_next >> 1);
            {write_seen, write_seen_first} <= {write_seen_first, write_gray};
        end
endmodule
