// async_fifo: pointers cross in Gray code and change in one bit at a time; never more words than fit, never fewer than
// none, and a word that went in comes out in its turn. Both clocks are free: in every step each of them may rise, fall
// or stay. Nothing is assumed about push and pop.
module async_fifo_props #(
    parameter A = 2,
    parameter STAGES = 2
) (
    input wire write_clk,
    input wire read_clk,
    input wire rst,
    input wire push,
    input wire [1:0] data,
    input wire pop,
    input wire watch      // begin to follow the word that is pushed now
);
    localparam P = A + 1;
    localparam integer SIZE = 1 << A;
    wire full, empty;
    wire [1:0] front;
    wire [(2<<A)-1:0] memory;
    wire [P-1:0] write_at, write_gray, read_at, read_gray;
    wire [STAGES*P-1:0] write_seen, read_seen;
    async_fifo #(
        .WIDTH(2),
        .ADDRESS_BITS(A),
        .STAGES(STAGES)
    ) fifo (
        .write_clk(write_clk),
        .write_rst(rst),
        .push(push),
        .push_data(data),
        .full(full),
        .read_clk(read_clk),
        .read_rst(rst),
        .pop(pop),
        .front(front),
        .empty(empty),
        .probe_memory(memory),
        .probe_write_at(write_at),
        .probe_write_gray(write_gray),
        .probe_write_seen(write_seen),
        .probe_read_at(read_at),
        .probe_read_gray(read_gray),
        .probe_read_seen(read_seen)
    );

    function [P-1:0] gray(input [P-1:0] n);
        gray = n ^ (n >> 1);
    endfunction
    function [P-1:0] binary(input [P-1:0] n);
        integer i;
        for (i = P - 1; i >= 0; i = i - 1) binary[i] = ^(n >> i);
    endfunction
    function [P-1:0] apart(input [P-1:0] from, input [P-1:0] to);
        apart = to - from;
    endfunction
    function at_most_one(input [P-1:0] n);
        at_most_one = (n & (n - 1'b1)) == 0;
    endfunction

    // what stood in the step before; a reset takes one edge of both clocks
    reg [P-1:0] write_gray_before, read_gray_before, write_at_before;
    reg [1:0] data_before;
    reg rst_before;
    always @($global_clock) begin
        write_gray_before <= write_gray;
        read_gray_before <= read_gray;
        write_at_before <= write_at;
        data_before <= data;
        rst_before <= rst;
    end
    wire is_written = write_at != write_at_before;
    always @* begin
        assume (~rst | ~write_clk & ~read_clk);
        assume (~rst_before | write_clk & read_clk);
    end

    // one word is followed, by its place in the order
    reg following;
    reg [P-1:0] place;
    reg [1:0] word;
    wire waits = following & apart(read_at, place) < apart(read_at, write_at);
    always @($global_clock)
        if (rst_before | following) following <= ~rst_before & waits;
        else if (watch & is_written) begin
            following <= 1;
            place <= write_at_before;
            word <= data_before;
        end

    // from what the writer knows of the reader up to the writer: in this order, and together not more than all words
    integer i;
    reg [P+3:0] span;
    reg [P-1:0] from;
    always @* begin
        span = 0;
        from = binary(read_seen[(STAGES-1)*P+:P]);
        for (i = STAGES - 2; i >= 0; i = i - 1) begin
            span = span + apart(from, binary(read_seen[i*P+:P]));
            from = binary(read_seen[i*P+:P]);
        end
        span = span + apart(from, read_at);
        from = read_at;
        for (i = STAGES - 1; i >= 0; i = i - 1) begin
            span = span + apart(from, binary(write_seen[i*P+:P]));
            from = binary(write_seen[i*P+:P]);
        end
        span = span + apart(from, write_at);
    end
    always @* begin
        assert (write_gray == gray(write_at) & read_gray == gray(read_at));
        assert (rst_before | at_most_one(write_gray ^ write_gray_before) & at_most_one(read_gray ^ read_gray_before));
        assert (apart(read_at, write_at) <= SIZE);         // no overflow, no underflow
        assert (full | apart(read_at, write_at) < SIZE);
        assert (empty | read_at != write_at);
        assert (span <= SIZE);                             // what makes it inductive
        assert (rst_before | ~is_written | apart(write_at_before, write_at) == 1);
        assert (rst_before | ~is_written | memory[write_at_before[A-1:0]*2+:2] == data_before);
        assert (~waits | memory[place[A-1:0]*2+:2] == word);
        assert (~waits | read_at != place | front == word);
    end
endmodule
