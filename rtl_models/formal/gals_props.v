// A sender with a credit_counter, a gals_link with one VC and DEPTH slots behind it, both clocks free: credits, flits
// under way, flits stored and credits under way are DEPTH together, always; so neither the FIFO between the clocks
// nor the receiver overflows, and the FIFO never even looks full to the flit that comes. Holds with chance_synchroniser.v
// in the place of synchroniser.v too, but not with AT_ONCE = 1.
module gals_props #(
    parameter DEPTH = 4,   // at most 4, as many as the FIFO has words
    parameter AT_ONCE = 0  // 1: the receiver may give a credit in the very cycle in which its flit arrives
) (
    input wire send_clk,
    input wire receive_clk,
    input wire rst,
    input wire wants,  // the sender has a flit
    input wire takes   // the receiver takes one, if there is one
);
    localparam A = 2, P = 3, STAGES = 2;
    wire available, arrives, credit, push, full, flit, vc;
    wire [P-1:0] credits, write_at, read_at, given, taken;
    wire [P-1:0] write_gray, read_gray, given_gray, taken_gray;
    wire [STAGES*P-1:0] write_seen, read_seen, given_seen;
    wire spend = wants & available;
    reg [P-1:0] stored;
    wire waiting = stored != 0 | AT_ONCE != 0 & arrives;
    wire pop = takes & waiting;

    credit_counter #(
        .INITIAL(DEPTH),
        .COUNT_BITS(P),
        .RETURN_BITS(1)
    ) counter (
        .clk(send_clk),
        .rst(rst),
        .returned(credit),
        .spend(spend),
        .available(available),
        .count(credits)
    );
    gals_link #(
        .FLIT_BITS(1),
        .VC_BITS(1),
        .CREDITS(1),
        .DELAY(1),
        .CYCLES_PER_FLIT(1),
        .ADDRESS_BITS(A),
        .STAGES(STAGES),
        .CREDIT_DELAY(0),
        .CREDIT_BITS(P)
    ) link (
        .send_clk(send_clk),
        .send_rst(rst),
        .in_valid(spend),
        .in_flit(1'b0),
        .in_vc(1'b0),
        .credit_out(credit),
        .receive_clk(receive_clk),
        .receive_rst(rst),
        .out_valid(arrives),
        .out_flit(flit),
        .out_vc(vc),
        .credit_in(pop),
        .probe_push(push),
        .probe_full(full),
        .probe_write_at(write_at),
        .probe_write_gray(write_gray),
        .probe_write_seen(write_seen),
        .probe_read_at(read_at),
        .probe_read_gray(read_gray),
        .probe_read_seen(read_seen),
        .probe_given(given),
        .probe_given_gray(given_gray),
        .probe_given_seen(given_seen),
        .probe_taken(taken),
        .probe_taken_gray(taken_gray)
    );
    // a reset takes one edge of both clocks
    reg rst_before;
    always @($global_clock) rst_before <= rst;
    always @* begin
        assume (~rst | ~send_clk & ~receive_clk);
        assume (~rst_before | send_clk & receive_clk);
    end
    always @(posedge receive_clk) stored <= rst ? 0 : stored + arrives - pop;

    function [P-1:0] binary(input [P-1:0] n);
        integer i;
        for (i = P - 1; i >= 0; i = i - 1) binary[i] = ^(n >> i);
    endfunction
    function [P-1:0] apart(input [P-1:0] from, input [P-1:0] to);
        apart = to - from;
    endfunction
    wire [P-1:0] write_mid = binary(write_seen[P-1:0]), write_far = binary(write_seen[2*P-1:P]);
    wire [P-1:0] read_mid = binary(read_seen[P-1:0]), read_far = binary(read_seen[2*P-1:P]);
    wire [P-1:0] given_mid = binary(given_seen[P-1:0]), given_far = binary(given_seen[2*P-1:P]);

    // counts of the same flits at different places; each is behind the next by what lies between
    reg [P+3:0] credits_back, in_fifo;
    always @* begin
        credits_back = apart(taken, given_far) + apart(given_far, given_mid) + apart(given_mid, given) + 7'd0;
        in_fifo = apart(read_at, write_far) + apart(write_far, write_mid) + apart(write_mid, write_at) + 7'd0;
        assert (credits + push + in_fifo + stored + credits_back == DEPTH);
        assert (apart(given, read_at) == stored);
        assert (~(push & full));
        assert (stored + arrives <= DEPTH);
        assert (credits <= DEPTH);
        // what makes it inductive: what the sender knows of slots freed is behind what it knows of flits taken out
        assert (binary(write_gray) == write_at & binary(read_gray) == read_at);
        assert (binary(given_gray) == given & binary(taken_gray) == taken);
        assert (apart(given_far, read_far) + apart(read_far, read_mid) + apart(read_mid, read_at) + 7'd0
                == apart(given_far, read_at));
        assert (apart(given_mid, read_mid) + apart(read_mid, read_at) + 7'd0 == apart(given_mid, read_at));
        assert (apart(given_far, given_mid) + apart(given_mid, read_at) + 7'd0 == apart(given_far, read_at));
    end
endmodule
