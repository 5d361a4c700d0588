// An input channel of a router with multicast, behind a sender with credits: each flit sends every one of its branches
// exactly once, in whatever order outputs take them, and its one credit goes back with the last copy.
module branches_props #(
    parameter PORTS = 3,
    parameter DEPTH = 2
) (
    input wire clk,
    input wire rst,
    input wire wants,                // the sender has a flit
    input wire [PORTS-1:0] branches, // ... with these
    input wire [PORTS-1:0] takes     // outputs that take a copy in this cycle, if one is owed to them
);
    wire available, waiting, leaves;
    wire [2:0] credits, stored;
    wire [PORTS-1:0] front, owes, done;
    wire [DEPTH*PORTS-1:0] memory;
    wire [31:0] read_at, write_at;
    wire [PORTS-1:0] taken = takes & owes & {PORTS{waiting}};
    wire sends = wants & available;
    reg freed;  // a credit under way

    credit_counter #(
        .INITIAL(DEPTH),
        .COUNT_BITS(3),
        .RETURN_BITS(1)
    ) counter (
        .clk(clk),
        .rst(rst),
        .returned(freed),
        .spend(sends),
        .available(available),
        .count(credits)
    );
    sync_fifo #(
        .WIDTH(PORTS),
        .DEPTH(DEPTH),
        .COUNT_BITS(3)
    ) fifo (
        .clk(clk),
        .rst(rst),
        .push(sends),
        .push_data(branches),
        .pop(leaves),
        .front_valid(waiting),
        .front(front),
        .count(stored),
        .probe_memory(memory),
        .probe_read_at(read_at),
        .probe_write_at(write_at)
    );
    owed_branches #(
        .PORTS(PORTS)
    ) owed (
        .clk(clk),
        .rst(rst),
        .branches(front),
        .taken(taken),
        .owes(owes),
        .leaves(leaves),
        .probe_done(done)
    );

    // copies that are still to be made, by what came in and what went out
    reg [3:0] left[0:PORTS-1];
    reg [3:0] expected;
    integer p, i, at;
    always @(posedge clk) begin
        freed <= ~rst & leaves;
        for (p = 0; p < PORTS; p = p + 1)
            left[p] <= rst ? 4'd0 : left[p] + (sends & branches[p]) - taken[p];
    end
    always @* begin
        assume (branches != 0);
        assert (credits + stored + freed == DEPTH);
        assert (read_at < DEPTH);
        assert (write_at == (read_at + stored) % DEPTH);
        assert (stored != 0 | done == 0);
        for (p = 0; p < PORTS; p = p + 1) begin
            expected = 4'd0;
            for (i = 0; i < DEPTH; i = i + 1) begin
                at = (read_at + i) % DEPTH;
                if (i < stored) expected = expected + memory[at*PORTS+p];
            end
            assert (left[p] + done[p] == expected);
            if (stored != 0 & done[p]) assert (memory[read_at*PORTS+p]);
        end
        if (stored != 0) begin
            assert (done != memory[read_at*PORTS+:PORTS]);
            for (i = 0; i < DEPTH; i = i + 1) if (i < stored) assert (memory[((read_at + i) % DEPTH)*PORTS+:PORTS] != 0);
        end
    end
endmodule
