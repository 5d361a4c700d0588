// sync_fifo: it never holds more than DEPTH words, and a word that went in comes out in its turn.
// Assumed: what credits guarantee (a push only while there is room) and that only a waiting word is popped.
module fifo_props #(
    parameter DEPTH = 4,
    parameter COUNT_BITS = 3
) (
    input wire clk,
    input wire rst,
    input wire push,
    input wire [3:0] data,
    input wire pop,
    input wire watch      // begin to follow the word that is pushed now
);
    wire front_valid;
    wire [3:0] front;
    wire [COUNT_BITS-1:0] count;
    wire [DEPTH*4-1:0] memory;
    wire [31:0] read_at, write_at;
    sync_fifo #(
        .WIDTH(4),
        .DEPTH(DEPTH),
        .COUNT_BITS(COUNT_BITS)
    ) fifo (
        .clk(clk),
        .rst(rst),
        .push(push),
        .push_data(data),
        .pop(pop),
        .front_valid(front_valid),
        .front(front),
        .count(count),
        .probe_memory(memory),
        .probe_read_at(read_at),
        .probe_write_at(write_at)
    );

    // one word is followed: how many stand before it, and what it is
    reg following;
    reg [COUNT_BITS-1:0] before;
    reg [3:0] word;
    wire starts = watch & push & ~following;
    wire is_front = following & before == 0;
    wire is_new_front = starts & count == 0;
    always @(posedge clk)
        if (rst) following <= 0;
        else if (starts) begin
            following <= ~(is_new_front & pop);
            before <= count - (pop & count != 0);
            word <= data;
        end else if (following & pop) begin
            following <= before != 0;
            before <= before - 1'b1;
        end

    wire [31:0] slot = read_at + before;
    wire [31:0] slot_in_ring = slot < DEPTH ? slot : slot - DEPTH;
    wire [31:0] end_slot = read_at + count;
    always @* begin
        assume (count < DEPTH | ~push);
        assume (front_valid | ~pop);
        assert (count <= DEPTH);
        assert (~following | before < count);
        assert (~is_front | front_valid & front == word);
        // what makes it inductive: where things lie
        assert (read_at < DEPTH & write_at == (end_slot < DEPTH ? end_slot : end_slot - DEPTH));
        assert (~following | memory[slot_in_ring*4+:4] == word);
        assert (~is_new_front | front_valid & front == data);
    end
endmodule
